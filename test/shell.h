// SPDX-License-Identifier: MIT
//
// shell.h - commands, and what they print.
#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <string>

struct Output {
	int status;	// exit code, -1: killed
	std::string text;
};

inline Output stdout_of(const std::string &cmd)
{
	Output o;
	char buf[4096];
	FILE *p = popen(cmd.c_str(), "r");
	for (size_t n; (n = fread(buf, 1, sizeof(buf), p)) > 0;)
		o.text.append(buf, n);
	int st = pclose(p);
	o.status = WIFEXITED(st) ? WEXITSTATUS(st) : -1;
	return o;
}

// stdout and stderr
inline Output shell(const std::string &cmd) { return stdout_of("{ " + cmd + "\n} 2>&1"); }
