// SPDX-License-Identifier: MIT
// Memory of a map as a process has it mapped: header, data, and for a ring buffer the data again.
#ifndef TEST_RUNTIME_MAP_MEM_H
#define TEST_RUNTIME_MAP_MEM_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "mapfmt.h"
#include "maps.h"
#include "rt_maps.h"

static inline bpftime_map map_attrs(uint32_t type, uint32_t key, uint32_t value, uint32_t entries,
				    uint32_t flags = 0)
{
	bpftime_map m = {};
	m.type = type;
	m.key_size = key;
	m.value_size = value;
	m.max_entries = entries;
	m.flags = flags;
	return m;
}

struct MapMem {
	bpftime_map m;
	uint32_t cpus;
	int fd = -1;
	char *file = nullptr;	// header, then data
	size_t bytes = 0;
	void *base = nullptr;

	explicit MapMem(bpftime_map attrs, uint32_t n_cpus = 2) : m(attrs), cpus(n_cpus)
	{
		static const uint8_t stamp[8] = {};
		m.cpus = cpus;
		size_t data = rt_map_size(&m, cpus), mapped = rt_map_mapped_bytes(&m, cpus);
		if (!data)
			return;
		fd = memfd_create("map", MFD_CLOEXEC);
		bytes = MAPFMT_HEADER_BYTES + mapped;
		if (fd < 0 || ftruncate(fd, (off_t)(MAPFMT_HEADER_BYTES + data)))
			abort();
		file = (char *)mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		map(0, MAPFMT_HEADER_BYTES + data, 0);
		if (mapped != data)
			map(MAPFMT_HEADER_BYTES + data, mapped - data,
			    (off_t)(MAPFMT_HEADER_BYTES + data - (mapped - data)));
		base = file + MAPFMT_HEADER_BYTES;
		rt_map_header((mapfmt_header *)file, &m, cpus, "m", "o", stamp);
		rt_map_format(&m, base, cpus);
		((mapfmt_header *)file)->state = MAPFMT_READY;
	}
	~MapMem()
	{
		if (file)
			munmap(file, bytes);
		if (fd >= 0)
			close(fd);
	}
	MapMem(const MapMem &) = delete;
	MapMem &operator=(const MapMem &) = delete;

private:
	void map(size_t at, size_t n, off_t off)
	{
		if (mmap(file + at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, off) !=
		    file + at)
			abort();
	}
};

#endif
