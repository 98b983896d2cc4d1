/* SPDX-License-Identifier: MIT */
#include "cmd.h"

int main(int argc, char **argv)
{
	static const struct cli_command commands[] = {
#define COMMAND(name_, args_, text_) { #name_, cmd_##name_, args_, text_ },
#include "commands.def"
		{ NULL, NULL, NULL, NULL },
	};

	return cli_main(OPT_CTL, "bpftime-ctl", commands, argc, argv);
}
