/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, AGAIN_MS = 200, COLUMNS = 80, MAX_COLUMNS = 250 };

struct progress {
	pthread_t thread;
	pthread_mutex_t lock;	/* of all but done and of */
	pthread_cond_t end_seen;
	bool end;
	char what[MAX_COLUMNS];
	uint64_t done, of;
	size_t columns;		/* of the line that is there */
	struct timespec start;
};

static struct progress *shown;	/* NULL: nothing is */

static struct timespec after(struct timespec t, unsigned ms)
{
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

/* What does not fit would wrap, and a wrapped line cannot be overwritten. */
static size_t width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
		return COLUMNS - 1;
	return w.ws_col <= MAX_COLUMNS ? w.ws_col - 1u : MAX_COLUMNS - 1;
}

/* The terminal may be slow or gone: neither is a reason to stop. */
static void put(const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(STDERR_FILENO, s, n);

		if (w <= 0 && errno != EINTR)
			return;
		if (w > 0) {
			s += w;
			n -= (size_t)w;
		}
	}
}

/* Replaces the line by n columns of text, 0: by nothing. */
static void draw(struct progress *p, const char *text, size_t n)
{
	char line[3 * MAX_COLUMNS];
	size_t at = 0;

	if (!n && !p->columns)
		return;
	line[at++] = '\r';
	memcpy(line + at, text, n);
	at += n;
	for (size_t i = n; i < p->columns; i++)
		line[at++] = ' ';
	if (!n)
		line[at++] = '\r';
	p->columns = n;
	put(line, at);
}

static void draw_now(struct progress *p)
{
	uint64_t done = __atomic_load_n(&p->done, __ATOMIC_RELAXED), of = __atomic_load_n(&p->of, __ATOMIC_RELAXED);
	char text[2 * MAX_COLUMNS];
	size_t most = width(), n = 0;
	int len;

	if (of)
		len = snprintf(text, sizeof(text), "%s: %llu of %llu, %ld s", p->what, (unsigned long long)done,
			       (unsigned long long)of, (long)(now().tv_sec - p->start.tv_sec));
	else if (done)
		len = snprintf(text, sizeof(text), "%s: %llu, %ld s", p->what, (unsigned long long)done,
			       (long)(now().tv_sec - p->start.tv_sec));
	else
		len = snprintf(text, sizeof(text), "%s, %ld s", p->what, (long)(now().tv_sec - p->start.tv_sec));
	while (n < most && n < (size_t)len) {	/* names of files may hold anything */
		if ((unsigned char)text[n] < ' ' || (unsigned char)text[n] >= 0x7f)
			text[n] = '?';
		n++;
	}
	draw(p, text, n);
}

static void *run(void *arg)
{
	struct progress *p = arg;
	struct timespec next = after(p->start, FIRST_MS);

	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		if (pthread_cond_timedwait(&p->end_seen, &p->lock, &next) == ETIMEDOUT && !p->end) {
			if (*p->what)
				draw_now(p);
			next = after(now(), AGAIN_MS);
		}
	}
	draw(p, NULL, 0);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* The drawing thread is not there after a fork. */
static void forget(void)
{
	shown = NULL;
}

void progress_start(void)
{
	struct progress *p;
	pthread_condattr_t monotonic;
	sigset_t all, was;
	bool ok;

	if (shown || !isatty(STDERR_FILENO) || !(p = calloc(1, sizeof(*p))))
		return;
	p->start = now();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->end_seen, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sigfillset(&all);	/* signals are the main thread's, which may hold them off */
	pthread_sigmask(SIG_SETMASK, &all, &was);
	ok = !pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (!ok) {
		free(p);
		return;
	}
	shown = p;
	pthread_atfork(NULL, NULL, forget);
}

void progress_step(const char *fmt, ...)
{
	struct progress *p = shown;
	va_list ap;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	va_start(ap, fmt);
	vsnprintf(p->what, sizeof(p->what), fmt, ap);
	va_end(ap);
	__atomic_store_n(&p->done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->of, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&p->lock);
}

void progress_count(uint64_t done, uint64_t of)
{
	if (!shown)
		return;
	__atomic_store_n(&shown->done, done, __ATOMIC_RELAXED);
	__atomic_store_n(&shown->of, of, __ATOMIC_RELAXED);
}

void progress_hold(void)
{
	if (!shown)
		return;
	pthread_mutex_lock(&shown->lock);
	draw(shown, NULL, 0);
}

void progress_go_on(void)
{
	if (shown)
		pthread_mutex_unlock(&shown->lock);
}

void progress_end(void)
{
	struct progress *p = shown;

	if (!p)
		return;
	shown = NULL;
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_signal(&p->end_seen);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->end_seen);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
