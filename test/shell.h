// SPDX-License-Identifier: MIT
//
// shell.h - commands, and what they print.
#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <ostream>
#include <string>

struct Output {
	int status;	// exit code, 128 + signal when killed, -1: nothing ran
	std::string text;
	bool operator==(const Output &o) const { return status == o.status && text == o.text; }
};
inline std::ostream &operator<<(std::ostream &s, const Output &o)
{
	return s << "status " << o.status << "\n" << o.text;
}

inline Output stdout_of(const std::string &cmd)
{
	Output o;
	char buf[65536];
	FILE *p = popen(cmd.c_str(), "r");
	if (!p)
		return {-1, ""};
	for (size_t n; (n = fread(buf, 1, sizeof(buf), p)) > 0;)
		o.text.append(buf, n);
	int st = pclose(p);
	o.status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return o;
}

// stdout and stderr
inline Output shell(const std::string &cmd) { return stdout_of("{ " + cmd + "\n} 2>&1"); }
