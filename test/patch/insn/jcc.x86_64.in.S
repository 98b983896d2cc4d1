# Conditional jumps widen to rel32 and keep their condition and target.
	jo 1f
	jne 1f
	{disp32} jl 1f
	jns 1f
	jbe 1f
	jg far
1:
