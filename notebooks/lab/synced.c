/* Loaded into Redis with LD_PRELOAD: writes down how far its log was written, and how far the disk
 * has it. A line in the file $SYNCED_LOG for each write and each fsync of a file *.incr.aof:
 *
 *     w|s  <seconds since 1970>  <bytes of the file>
 *
 * An fsync counts with the bytes that the file had when it began: what is written meanwhile may
 * come too late. The line is given to the operating system, which a killed process does not take
 * with it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void find(void) {
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
}

/* Bytes of the file behind fd if it is a log of Redis, else -1. */
static long long size_of_log(int fd) {
    char link[64], path[4096];
    struct stat file;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 9) return -1;
    path[length] = 0;
    if (strcmp(path + length - 9, ".incr.aof") != 0 || fstat(fd, &file) != 0) return -1;
    return file.st_size;
}

static void note(char what, long long size) {
    static int log = -1;
    int before = errno;
    const char *path = getenv("SYNCED_LOG");
    if (log < 0 && path) log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log >= 0) {
        char line[80];
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int length = snprintf(line, sizeof line, "%c %lld.%06ld %lld\n", what,
                              (long long)now.tv_sec, now.tv_nsec / 1000, size);
        (void)!real_write(log, line, length);
    }
    errno = before;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!real_write) find();
    ssize_t done = real_write(fd, bytes, count);
    long long size = done > 0 ? size_of_log(fd) : -1;
    if (size >= 0) note('w', size);
    return done;
}

static int sync_with(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    long long size = size_of_log(fd);
    int failed = real(fd);
    if (!failed && size >= 0) note('s', size);
    return failed;
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
