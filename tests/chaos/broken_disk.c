/* A disk that answers EIO: writes to, or syncs of, files with the words of $BROKEN_DISK in their
   path fail while that file is there. Its first line is `write` or `sync`, the second the words. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int broken(int fd, const char *what) {
  static __thread int inside;
  const char *told = getenv("BROKEN_DISK");
  char text[256] = "", link[64], path[4096] = "";
  if (inside || !told || access(told, R_OK)) return 0;
  inside = 1;
  FILE *file = fopen(told, "r");
  size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[length] = 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t found = readlink(link, path, sizeof path - 1);
  inside = 0;
  char *words = strchr(text, '\n');
  if (!words || found < 0) return 0;
  *words++ = 0;
  words[strcspn(words, "\n")] = 0;
  if (strcmp(text, what) || !strstr(path, words)) return 0;
  errno = EIO;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t write(int fd, const void *data, size_t size) {
  return broken(fd, "write") ? -1 : REAL(write)(fd, data, size);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return broken(fd, "write") ? -1 : REAL(pwrite64)(fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return broken(fd, "write") ? -1 : REAL(pwrite)(fd, data, size, at);
}
int fsync(int fd) { return broken(fd, "sync") ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return broken(fd, "sync") ? -1 : REAL(fdatasync)(fd); }
