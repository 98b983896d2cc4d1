// SPDX-License-Identifier: MIT
// Timers in a map that processes share, what docs/timers.md says of them: one for each value, whoever
// starts it; a start ends once; it fires in the process that made it; SIGKILL loses that process's.
//
// BPFTIME_KILLS: how many (scripts/torture: 10,000).
#include <signal.h>

#include "e2e.h"
#include "shared_timers.h"

namespace {

enum { KEY = 7, SENTINEL, FAR_MS = 100000000, PATIENCE = 3000 };

// A patched shared_timers that does what it is told.
class Process {
	FILE *in = nullptr, *out = nullptr;

      public:
	pid_t pid = -1;
	explicit Process(const std::string &path)
	{
		int to[2], from[2];
		if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC) || (pid = fork()) < 0)
			return;
		if (!pid) {
			dup2(to[0], 0);
			dup2(from[1], 1);
			execl(path.c_str(), path.c_str(), (char *)nullptr);
			_exit(127);
		}
		close(to[0]);
		close(from[1]);
		in = fdopen(to[1], "w");
		out = fdopen(from[0], "r");
	}
	Process(const Process &) = delete;
	~Process() { end(); }
	void end()
	{
		if (pid <= 0)
			return;
		kill(pid, SIGKILL);
		waitpid(pid, nullptr, 0);
		fclose(in);
		fclose(out);
		pid = -1;
	}
	said ask(int op, long key = KEY, long ms = 0)
	{
		said s = {-1001, 0, 0};
		fprintf(in, "%d %ld %ld\n", op, key, ms);
		fflush(in);
		EXPECT_EQ(fscanf(out, "%lld %llu %llu", &s.r, &s.fired, &s.by), 3);
		return s;
	}
	// Until the timer has fired that often; how often it has.
	unsigned long long await(long key = KEY, unsigned long long times = 1)
	{
		said s = ask(OP_LOOK, key);
		for (int i = 0; i < PATIENCE && s.fired < times; i++) {
			usleep(10000);
			s = ask(OP_LOOK, key);
		}
		return s.fired;
	}
	// The process's thread has done all that was to be done before now: callbacks come in order of time.
	void caught_up(long ms)
	{
		ask(OP_UPDATE, SENTINEL);
		EXPECT_EQ(ask(OP_START, SENTINEL, ms).r, 0);
		EXPECT_EQ(await(SENTINEL), 1u);
	}
};

struct SharedTimers : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "shared", patched = tmp / "patched", maps = tmp / "maps";

	void SetUp() override
	{
		ASSERT_EQ(shell("cc -O1 -o " + prog + " " BPFTIME_TEST_DIR "/e2e/shared_timers.c").status, 0);
		Output r = shell(bin + "bpftime-patch --binary " + prog + " " BPFTIME_E2E_SHARED_TIMERS " -o " + patched +
			      " --map-dir " + maps);
		ASSERT_EQ(r.status, 0) << r;
	}
	long of(const char *map) { return map_value(maps, std::string("shared_timers/") + map); }
};

}  // namespace

TEST_F(SharedTimers, FireInTheProcessThatStartedThem)
{
	Process a(patched), b(patched);
	EXPECT_EQ(a.ask(OP_START, KEY, 1).r, 0);
	EXPECT_EQ(b.await(), 1u);
	EXPECT_EQ(b.ask(OP_LOOK).by, (unsigned long long)a.pid);
	EXPECT_EQ(b.ask(OP_START, KEY, 1).r, 0);
	EXPECT_EQ(a.await(KEY, 2), 2u);
	EXPECT_EQ(a.ask(OP_LOOK).by, (unsigned long long)b.pid);
}

TEST_F(SharedTimers, TheLastStartCounts)
{
	Process a(patched), b(patched);
	EXPECT_EQ(a.ask(OP_START, KEY, 2000).r, 0);
	EXPECT_EQ(b.ask(OP_START, KEY, FAR_MS).r, 0);
	unsigned long long before = a.ask(OP_LOOK).fired;	/* 1 on a machine that stood still for two seconds */
	a.caught_up(2500);
	EXPECT_EQ(a.ask(OP_LOOK).fired, before);
	EXPECT_EQ(b.ask(OP_START, KEY, 1).r, 0);
	EXPECT_EQ(a.await(KEY, before + 1), before + 1);
	EXPECT_EQ(a.ask(OP_LOOK).by, (unsigned long long)b.pid);
}

TEST_F(SharedTimers, AnyProcessEndsThem)
{
	for (int op : {OP_CANCEL, OP_UPDATE, OP_DELETE}) {
		Process a(patched), b(patched);
		a.ask(OP_UPDATE);
		EXPECT_EQ(a.ask(OP_START, KEY, 2000).r, 0);
		said s = b.ask(op);
		if (op == OP_CANCEL)
			EXPECT_EQ(s.r, s.fired ? 0 : 1);
		else
			EXPECT_EQ(s.r, 0);
		s = b.ask(OP_LOOK);
		long before = of("fired");
		a.caught_up(2500);
		EXPECT_EQ(a.ask(OP_LOOK).fired, s.fired) << op;
		EXPECT_EQ(of("fired"), before + 1) << op;	// the sentinel's; a deleted element cannot tell
	}
}

TEST_F(SharedTimers, OfADeadProcessAreAnybodysToStartAgain)
{
	Process a(patched), b(patched);
	EXPECT_EQ(a.ask(OP_START, KEY, FAR_MS).r, 0);
	a.end();
	EXPECT_EQ(b.ask(OP_CANCEL).r, 1);	/* it was armed */
	EXPECT_EQ(b.ask(OP_CANCEL).r, 0);
	EXPECT_EQ(b.ask(OP_START, KEY, 1).r, 0);
	EXPECT_EQ(b.await(), 1u);
}

TEST_F(SharedTimers, SurviveKills)
{
	const char *env = getenv("BPFTIME_KILLS");
	Output r = shell("timeout 3000 " + patched + " " + (env ? env : "150"));
	EXPECT_EQ(r.status, 0) << r;
	EXPECT_GE(of("fired"), 4);	// those of the end: how much the children did is a matter of luck
	EXPECT_LE(of("fired"), of("starts"));
	printf("%ld starts, %ld callbacks\n", of("starts"), of("fired"));
}
