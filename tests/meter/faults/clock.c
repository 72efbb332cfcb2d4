/* Lets the clock of a process be wrong by CLOCK_OFFSET seconds. Loaded with LD_PRELOAD. The monotonic clock stays right. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset;

__attribute__((constructor)) static void start(void) {
    const char *given = getenv("CLOCK_OFFSET");
    offset = given == NULL ? 0 : atol(given);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, now);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset;
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*real)(struct timeval *restrict, void *restrict);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "gettimeofday");
    int done = real(now, zone);
    if (done == 0) now->tv_sec += offset;
    return done;
}

time_t time(time_t *now) {
    static time_t (*real)(time_t *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "time");
    time_t found = real(NULL) + offset;
    if (now != NULL) *now = found;
    return found;
}
