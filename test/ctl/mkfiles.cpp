// SPDX-License-Identifier: MIT
// mkfiles WHAT ...: writes the files that a running payload would, for tests of the tools
// that read them.
//
//     control ID TARGET [KIND OBJECT PROG SYMBOL VADDR COOKIE]...   a control file
//     map OBJECT-STAMP NAME FIELD=VALUE...    a map file; h.FIELD is changed in the header only
//     record OBJECT-STAMP NAME HEX...         records of a ring buffer
//     btf OBJECT-STAMP                        the object's BTF
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

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "hooks.h"
#include "mapfmt.h"
#include "maps.h"
#include "rt.h"
#include "rt_maps.h"

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

static bool assign(struct bpftime_map &m, const std::string &field, uint64_t v)
{
	if (field == "type") m.type = v;
	else if (field == "key_size") m.key_size = v;
	else if (field == "value_size") m.value_size = v;
	else if (field == "max_entries") m.max_entries = v;
	else if (field == "flags") m.flags = v;
	else if (field == "map_extra") m.map_extra = v;
	else if (field == "key_btf_id") m.key_btf_id = v;
	else if (field == "value_btf_id") m.value_btf_id = v;
	else return false;
	return true;
}

static bool damage(struct mapfmt_header &h, const std::string &field, uint64_t v)
{
	if (field == "h.magic") h.magic = v;
	else if (field == "h.version") h.version = v;
	else if (field == "h.state") h.state = v;
	else if (field == "h.type") h.type = v;
	else if (field == "h.key_size") h.key_size = v;
	else if (field == "h.max_entries") h.max_entries = v;
	else if (field == "h.page_bytes") h.page_bytes = v;
	else if (field == "h.cpu_count") h.cpu_count = v;
	else if (field == "h.byte_order") h.byte_order = v;
	else if (field == "h.data_bytes") h.data_bytes = v;
	else if (field == "h.frozen") h.frozen = v;
	else return false;
	return true;
}

static int map(const std::vector<std::string> &arg)
{
	std::string dir = root() + "/" + arg[0];
	std::string object = arg[0].substr(0, arg[0].rfind('-'));
	uint32_t cpus = libbpf_num_possible_cpus();
	struct mapfmt_header h;
	struct bpftime_map m = {};
	uint64_t file_bytes = 0;
	uint8_t stamp[8] = {};
	mkdir(dir.c_str(), 0700);
	m.type = MAP_TYPE_array;
	m.key_size = 4;
	m.value_size = 8;
	m.max_entries = 4;
	for (int pass = 0; pass < 2; pass++) {
		if (pass) {
			rt_map_header(&h, &m, cpus, arg[1].c_str(), object.c_str(), stamp);
			h.state = MAPFMT_READY;
		}
		for (size_t i = 2; i < arg.size(); i++) {
			std::string field = arg[i].substr(0, arg[i].find('='));
			uint64_t v = std::stoull(arg[i].substr(field.size() + 1), nullptr, 0);
			if (field == "file_bytes")
				file_bytes = v;
			else if (pass ? !damage(h, field, v) && field[0] == 'h'
				      : !assign(m, field, v) && field[0] != 'h')
				return fprintf(stderr, "no field %s\n", field.c_str()), 1;
		}
	}
	std::string bytes(MAPFMT_HEADER_BYTES + rt_map_size(&m, cpus), 0);
	char *p = (char *)aligned_alloc(4096, bytes.size() + rt_map_mapped_bytes(&m, cpus));
	memset(p, 0, bytes.size());
	memcpy(p, &h, sizeof(h));
	rt_map_format(&m, p + MAPFMT_HEADER_BYTES, cpus);
	memcpy(&bytes[0], p, bytes.size());
	memcpy(&bytes[0], &h, sizeof(h));
	if (file_bytes)
		bytes.resize(file_bytes);
	free(p);
	return put(dir + "/" + arg[1], bytes);
}

/* Ids: 1 u32, 2 u64, 3 s16, 4 char, 5 char[8], 6 struct usage { u64 calls, bytes },
 * 7 struct who { u32 pid; char comm[8] }, 8 struct event { u32 len; char data[8] },
 * 9 struct log2 { u64 slots[8] } (10), 14 the variables total (u64), verbose (bool), limit (s16). */
static int btf(const std::vector<std::string> &arg)
{
	struct btf *b = btf__new_empty();
	uint32_t n;
	btf__add_int(b, "unsigned int", 4, 0);
	btf__add_int(b, "unsigned long long", 8, 0);
	btf__add_int(b, "short", 2, BTF_INT_SIGNED);
	btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	btf__add_array(b, 1, 4, 8);
	btf__add_struct(b, "usage", 16);
	btf__add_field(b, "calls", 2, 0, 0);
	btf__add_field(b, "bytes", 2, 64, 0);
	btf__add_struct(b, "who", 12);
	btf__add_field(b, "pid", 1, 0, 0);
	btf__add_field(b, "comm", 5, 32, 0);
	btf__add_struct(b, "event", 12);
	btf__add_field(b, "len", 1, 0, 0);
	btf__add_field(b, "data", 5, 32, 0);
	btf__add_struct(b, "log2", 64);
	btf__add_field(b, "slots", 10, 0, 0);
	btf__add_array(b, 1, 2, 8);
	btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
	btf__add_var(b, "total", BTF_VAR_GLOBAL_ALLOCATED, 2);
	btf__add_var(b, "verbose", BTF_VAR_GLOBAL_ALLOCATED, 11);
	btf__add_datasec(b, ".data", 12);
	btf__add_datasec_var_info(b, 12, 0, 8);
	btf__add_datasec_var_info(b, 13, 8, 1);
	btf__add_datasec_var_info(b, 15, 10, 2);
	btf__add_var(b, "limit", BTF_VAR_GLOBAL_ALLOCATED, 3);
	const char *raw = (const char *)btf__raw_data(b, &n);
	mkdir((root() + "/" + arg[0]).c_str(), 0700);
	return put(root() + "/" + arg[0] + "/" MAPFMT_BTF_FILE, std::string(raw, n));
}

// Appends records to a ring buffer as docs/maps.md describes it.  BUSY or DISCARD in front of the
// hex bytes marks the record.
static int record(const std::vector<std::string> &arg)
{
	int fd = open((root() + "/" + arg[0] + "/" + arg[1]).c_str(), O_RDWR);
	struct mapfmt_header h;
	uint64_t prod;
	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != sizeof(h))
		return 1;
	pread(fd, &prod, 8, 4096 + 4096);
	for (size_t i = 2; i < arg.size(); i++) {
		std::string bytes(8, 0), hex = arg[i];
		uint32_t mark = 0;
		if (hex.rfind("BUSY", 0) == 0)
			mark = 0x80000000, hex = hex.substr(4);
		if (hex.rfind("DISCARD", 0) == 0)
			mark = 0x40000000, hex = hex.substr(7);
		for (size_t k = 0; k + 1 < hex.size(); k += 2)
			bytes.push_back((char)std::stoul(hex.substr(k, 2), nullptr, 16));
		uint32_t len = (uint32_t)(bytes.size() - 8) | mark;
		memcpy(&bytes[0], &len, 4);
		bytes.resize((bytes.size() + 7) & ~(size_t)7);
		for (char c : bytes)
			pwrite(fd, &c, 1, 4096 + 8192 + (off_t)(prod++ % h.max_entries));
	}
	pwrite(fd, &prod, 8, 4096 + 4096);
	return 0;
}

int main(int argc, char **argv)
{
	std::vector<std::string> arg(argv + 2, argv + argc);
	if (argc > 3 && !strcmp(argv[1], "control"))
		return control(arg);
	if (argc > 3 && !strcmp(argv[1], "map"))
		return map(arg);
	if (argc > 3 && !strcmp(argv[1], "record"))
		return record(arg);
	if (argc > 2 && !strcmp(argv[1], "btf"))
		return btf(arg);
	return 2;
}
