// SPDX-License-Identifier: MIT
// mkfiles WHAT ...: writes the files that a running payload would, for tests of the tools
// that read them.
//
//     control ID TARGET [KIND OBJECT PROG SYMBOL VADDR COOKIE]...   a control file
//     header OBJECT-STAMP NAME FIELD=VALUE...            a map file of which only the header counts
//
// Below $BPFTIME_DIR, which is made.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "hooks.h"
#include "mapfmt.h"
#include "rt.h"

static std::string root()
{
	std::string d = getenv("BPFTIME_DIR");
	mkdir(d.c_str(), 0700);
	return d;
}

static int put(const std::string &path, const std::string &bytes)
{
	FILE *f = fopen(path.c_str(), "w");
	if (!f || fwrite(bytes.data(), 1, bytes.size(), f) != bytes.size() || fclose(f)) {
		perror(path.c_str());
		return 1;
	}
	return chmod(path.c_str(), 0600);
}

static int control(const std::vector<std::string> &arg)
{
	std::string dir = root() + "/" MAPFMT_CONTROL_DIR;
	struct rt_control c = {};
	size_t n = (arg.size() - 2) / 6;
	size_t off = (RT_CONTROL_WORDS_OFF + 4 * n + 7) & ~(size_t)7;
	std::string bytes(off, 0);
	mkdir(dir.c_str(), 0700);
	c.magic = RT_CONTROL_MAGIC;
	c.version = RT_CONTROL_VERSION;
	c.size = sizeof(c);
	c.n_attach = n;
	c.attach_off = off;
	c.misses = 2;
	for (int i = 0; i < 8; i++)
		c.payload_id[i] = std::stoul(arg[0].substr(2 * i, 2), nullptr, 16);
	snprintf(c.target, sizeof(c.target), "%s", arg[1].c_str());
	memcpy(&bytes[0], &c, sizeof(c));
	for (size_t i = 0; i < n; i++) {
		const std::string *a = &arg[2 + 6 * i];
		struct rt_control_attach at = {};
		uint32_t one = 1;
		while (at.kind < HOOK_COUNT && a[0] != hook_table[at.kind].name)
			at.kind++;
		snprintf(at.object, sizeof(at.object), "%s", a[1].c_str());
		snprintf(at.prog, sizeof(at.prog), "%s", a[2].c_str());
		snprintf(at.symbol, sizeof(at.symbol), "%s", a[3].c_str());
		at.vaddr = std::stoull(a[4], nullptr, 0);
		at.cookie = std::stoull(a[5], nullptr, 0);
		memcpy(&bytes[RT_CONTROL_WORDS_OFF + 4 * i], &one, 4);
		bytes.append((const char *)&at, sizeof(at));
	}
	return put(dir + "/" + arg[0], bytes);
}

static int header(const std::vector<std::string> &arg)
{
	std::string dir = root() + "/" + arg[0];
	struct mapfmt_header h = {};
	long page = sysconf(_SC_PAGESIZE);
	uint64_t file_bytes = 0;
	mkdir(dir.c_str(), 0700);
	h.magic = MAPFMT_MAGIC;
	h.version = MAPFMT_VERSION;
	h.size = sizeof(h);
	h.state = MAPFMT_READY;
	h.type = 2;
	h.key_size = 4;
	h.value_size = 8;
	h.max_entries = 4;
	h.page_bytes = page;
	h.cpu_count = sysconf(_SC_NPROCESSORS_CONF);
	h.byte_order = MAPFMT_BYTE_ORDER;
	h.data_off = MAPFMT_HEADER_BYTES;
	h.data_bytes = page;
	snprintf(h.name, sizeof(h.name), "%s", arg[1].c_str());
	for (size_t i = 2; i < arg.size(); i++) {
		std::string field = arg[i].substr(0, arg[i].find('='));
		uint64_t v = std::stoull(arg[i].substr(field.size() + 1), nullptr, 0);
		if (field == "magic") h.magic = v;
		else if (field == "version") h.version = v;
		else if (field == "state") h.state = v;
		else if (field == "type") h.type = v;
		else if (field == "key_size") h.key_size = v;
		else if (field == "value_size") h.value_size = v;
		else if (field == "max_entries") h.max_entries = v;
		else if (field == "page_bytes") h.page_bytes = v;
		else if (field == "byte_order") h.byte_order = v;
		else if (field == "data_off") h.data_off = v;
		else if (field == "data_bytes") h.data_bytes = v;
		else if (field == "flags") h.flags = v;
		else if (field == "frozen") h.frozen = v;
		else if (field == "file_bytes") file_bytes = v;
		else return fprintf(stderr, "no field %s\n", field.c_str()), 1;
	}
	std::string bytes((const char *)&h, sizeof(h));
	bytes.resize(file_bytes ? file_bytes : MAPFMT_HEADER_BYTES + page);
	return put(dir + "/" + arg[1], bytes);
}

int main(int argc, char **argv)
{
	std::vector<std::string> arg(argv + 2, argv + argc);
	if (argc > 3 && !strcmp(argv[1], "control"))
		return control(arg);
	if (argc > 3 && !strcmp(argv[1], "header"))
		return header(arg);
	return 2;
}
