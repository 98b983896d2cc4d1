	{disp32} jo in+20
	{disp32} jne in+20
	{disp32} jl in+20
	{disp32} jns in+20
	{disp32} jbe in+20
	{disp32} jg far
