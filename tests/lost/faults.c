/*
 * A disk and a clock that fail when they are told to, put in front of the C library of one process.
 *
 * FAULTS_UNDER    the folder whose files are concerned, as an absolute path
 * FAULTS_CONTROL  the numbers below, in a file shared with the test
 * FAULTS_SHADOW   where is kept what would survive a loss of power: each file as of its last sync,
 *                 as f-INODE, and the names of each folder as of its last sync, as d-INODE.
 *                 By inode, since a rename does not sync anything.
 *
 * Nothing is really synced: a killed process does not take the page cache with it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
	_Atomic int64_t space;       /* bytes that may still be written; below 0: any */
	_Atomic int64_t write_fails; /* the n-th write from now on fails; 0: none */
	_Atomic int64_t sync_fails;  /* the n-th sync from now on fails; 0: none */
	_Atomic int64_t stays;       /* 1: after the first everything fails; 2: it hangs instead */
	_Atomic int64_t clock;       /* seconds that the clock is ahead */
	_Atomic int64_t failed;      /* how many writes and syncs were made to fail */
};

static struct control *control;
static const char *under_folder, *shadow;
static size_t under_length;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_mkdir)(const char *, mode_t);

__attribute__((constructor)) static void begin(void)
{
	real_open = dlsym(RTLD_NEXT, "open");
	real_write = dlsym(RTLD_NEXT, "write");
	real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	real_clock = dlsym(RTLD_NEXT, "clock_gettime");
	real_mkdir = dlsym(RTLD_NEXT, "mkdir");
	shadow = getenv("FAULTS_SHADOW");
	const char *path = getenv("FAULTS_CONTROL"), *folder = getenv("FAULTS_UNDER");
	int fd = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || !folder)
		return;
	void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return;
	under_length = strlen(folder);
	under_folder = folder;
	control = map;
}

static int concerns(const char *path)
{
	return control && !strncmp(path, under_folder, under_length);
}

static int under(int fd)
{
	char link[64], path[4096];
	if (!control)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length < 0)
		return 0;
	path[length] = 0;
	return concerns(path);
}

/* Counts down; whether it is this one's turn to fail. */
static int fails(_Atomic int64_t *left)
{
	int64_t at = atomic_load(left);
	if (at == 0 || (at < 0 && !atomic_load(&control->stays)))
		return 0;
	if (0 < at && 1 < atomic_fetch_sub(left, 1))
		return 0;
	atomic_store(left, -1);
	atomic_fetch_add(&control->failed, 1);
	while (atomic_load(&control->stays) == 2)
		pause();
	return 1;
}

/* How many bytes may be written; -1 with errno when none may. */
static ssize_t room(size_t count)
{
	if (fails(&control->write_fails)) {
		errno = EIO;
		return -1;
	}
	int64_t space = atomic_load(&control->space);
	for (;;) {
		if (space < 0)
			return count;
		if (space == 0 && count) {
			atomic_fetch_add(&control->failed, 1);
			errno = ENOSPC;
			return -1;
		}
		int64_t taken = (int64_t)count < space ? (int64_t)count : space;
		if (atomic_compare_exchange_weak(&control->space, &space, space - taken))
			return taken;
	}
}

ssize_t write(int fd, const void *bytes, size_t count)
{
	if (!real_write)
		real_write = dlsym(RTLD_NEXT, "write");
	if (!under(fd))
		return real_write(fd, bytes, count);
	ssize_t allowed = room(count);
	return allowed < 0 ? -1 : real_write(fd, bytes, allowed);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	if (!under(fd)) {
		ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
		return real(fd, parts, count);
	}
	for (int at = 0; at < count; at++)
		if (parts[at].iov_len)
			return write(fd, parts[at].iov_base, parts[at].iov_len);
	return 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
	if (!under(fd))
		return real_pwrite(fd, bytes, count, at);
	ssize_t allowed = room(count);
	return allowed < 0 ? -1 : real_pwrite(fd, bytes, allowed, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at)
{
	return pwrite(fd, bytes, count, at);
}

/* Copies within the system would get past the above; whoever asks falls back to reading and writing. */
ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned flags)
{
	(void)from, (void)from_at, (void)to, (void)to_at, (void)count, (void)flags;
	errno = ENOSYS;
	return -1;
}

ssize_t sendfile64(int to, int from, off_t *at, size_t count)
{
	(void)to, (void)from, (void)at, (void)count;
	errno = ENOSYS;
	return -1;
}

static void place(char *path, size_t size, char kind, ino_t inode)
{
	snprintf(path, size, "%s/%c-%llu", shadow, kind, (unsigned long long)inode);
}

/* A new file or folder with the number of an old one has nothing of it. */
static void forget(const char *path)
{
	struct stat found;
	char old[4096];
	if (!shadow || stat(path, &found))
		return;
	place(old, sizeof old, S_ISDIR(found.st_mode) ? 'd' : 'f', found.st_ino);
	unlink(old);
}

static int opened(const char *path, int flags, mode_t mode)
{
	if (!real_open)
		real_open = dlsym(RTLD_NEXT, "open");
	int creates = (flags & O_CREAT) && concerns(path) && access(path, F_OK);
	if (creates && atomic_load(&control->space) == 0) {
		atomic_fetch_add(&control->failed, 1);
		errno = ENOSPC;
		return -1;
	}
	int fd = real_open(path, flags, mode);
	if (creates && 0 <= fd)
		forget(path);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return opened(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	if (!real_mkdir)
		real_mkdir = dlsym(RTLD_NEXT, "mkdir");
	if (concerns(path) && atomic_load(&control->space) == 0) {
		atomic_fetch_add(&control->failed, 1);
		errno = ENOSPC;
		return -1;
	}
	int made = real_mkdir(path, mode);
	if (!made && concerns(path))
		forget(path);
	return made;
}

static void keep_names(FILE *to, int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = 0 <= again ? fdopendir(again) : NULL;
	struct dirent *name;
	while (folder && (name = readdir(folder)))
		if (strcmp(name->d_name, ".") && strcmp(name->d_name, ".."))
			fprintf(to, "%c %llu %s\n", name->d_type == DT_DIR ? 'd' : 'f',
				(unsigned long long)name->d_ino, name->d_name);
	if (folder)
		closedir(folder);
}

static void keep_bytes(FILE *to, int fd)
{
	char link[64], buffer[1 << 16];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	int again = real_open(link, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	while (0 <= again && 0 < (length = read(again, buffer, sizeof buffer)))
		fwrite(buffer, 1, length, to);
	if (0 <= again)
		close(again);
}

/* Keeps what a sync puts on the disk, whole or not at all, since the process may be killed here. */
static void keep(int fd)
{
	static _Atomic int count;
	struct stat found;
	char part[4096], path[4096];
	if (!shadow || fstat(fd, &found))
		return;
	snprintf(part, sizeof part, "%s/part-%d-%d", shadow, getpid(), atomic_fetch_add(&count, 1));
	FILE *to = fopen(part, "we");
	if (!to)
		return;
	if (S_ISDIR(found.st_mode))
		keep_names(to, fd);
	else
		keep_bytes(to, fd);
	fclose(to);
	place(path, sizeof path, S_ISDIR(found.st_mode) ? 'd' : 'f', found.st_ino);
	rename(part, path);
}

static int synced(int fd, const char *name)
{
	if (!under(fd)) {
		int (*real)(int) = dlsym(RTLD_NEXT, name);
		return real(fd);
	}
	if (fails(&control->sync_fails)) {
		errno = EIO;
		return -1;
	}
	keep(fd);
	return 0;
}

int fsync(int fd)
{
	return synced(fd, "fsync");
}

int fdatasync(int fd)
{
	return synced(fd, "fdatasync");
}

int sync_file_range(int fd, off_t at, off_t count, unsigned flags)
{
	(void)at, (void)count, (void)flags;
	/* It promises nothing about a loss of power. */
	if (under(fd) && fails(&control->sync_fails)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int clock_gettime(clockid_t which, struct timespec *at)
{
	if (!real_clock)
		real_clock = dlsym(RTLD_NEXT, "clock_gettime");
	int got = real_clock(which, at);
	if (!got && control && which == CLOCK_REALTIME) {
		at->tv_sec += atomic_load(&control->clock);
		/* No machine can be set to an instant before 1970. */
		at->tv_sec = at->tv_sec < 0 ? 0 : at->tv_sec;
	}
	return got;
}
