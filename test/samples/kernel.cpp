// SPDX-License-Identifier: MIT
// The samples are ordinary BPF programs: libbpf loads them and the kernel's verifier
// accepts them.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include <string>

static std::string log_text;

static int keep_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[4096];
	if (level == LIBBPF_DEBUG)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	log_text += line;
	return n;
}

static bool kernel_takes_programs()
{
	static const struct bpf_insn ret0[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe", "GPL", ret0, 2, nullptr);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct SampleInKernel : testing::TestWithParam<const char *> {};

TEST_P(SampleInKernel, IsAccepted)
{
	std::string path = std::string(BPFTIME_SAMPLES_DIR) + "/" + GetParam() + ".bpf.o";
	log_text.clear();
	libbpf_set_print(keep_log);
	struct bpf_object *obj = bpf_object__open_file(path.c_str(), nullptr);
	ASSERT_NE(obj, nullptr) << path << ": " << strerror(errno) << "\n" << log_text;
	if (!kernel_takes_programs()) {
		bpf_object__close(obj);
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	}
	EXPECT_EQ(bpf_object__load(obj), 0) << log_text;
	bpf_object__close(obj);
}

INSTANTIATE_TEST_SUITE_P(Samples, SampleInKernel,
			 testing::Values("minimal", "malloc", "sslsniff", "funclatency", "usdt", "opensnoop", "stackcount"),
			 [](const auto &info) { return std::string(info.param); });
