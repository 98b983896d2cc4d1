# refused: a trap
	ud2
