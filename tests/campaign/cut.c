/* Notes, for campaign/power.py, what a process does to the files of one folder, so that a power cut can be played.
 *
 * Loaded with LD_PRELOAD; silent until CUT_LOG (where to note) and CUT_FOLDER (of which files) are set. Each note is a
 * header of 32 bytes, then a path, then what was written:
 *
 *     u8 what, 3 unused | u32 length of the path | u64 offset | u64 length of the data | u64 unused
 *     what: w write, t truncate to offset, s the file is on the disk, c made, u unlinked, r renamed (data: new path)
 *
 * Written after the deed: a deed without its note is one that the cut has undone, which it may, unless it was a sync;
 * and a process that dies between a sync and its note has told nobody of that sync.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST 4096
static char *paths[MOST];
static int log_fd = -1;
static const char *folder;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int noting(void) {
    if (log_fd >= 0) return 1;
    const char *path = getenv("CUT_LOG");
    folder = getenv("CUT_FOLDER");
    if (!path || !folder) return 0;
    log_fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return log_fd >= 0;
}

static int ours(const char *path) { return noting() && path && !strncmp(path, folder, strlen(folder)); }

static void note(char what, const char *path, uint64_t at, const void *data, uint64_t size) {
    struct { uint8_t what, none[3]; uint32_t path; uint64_t at, size, unused; } head = {0};
    head.what = what; head.path = strlen(path); head.at = at; head.size = size;
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)data, data ? size : 0}};
    pthread_mutex_lock(&lock);
    ssize_t gone = REAL(writev)(log_fd, parts, 3);
    (void)gone;
    pthread_mutex_unlock(&lock);
}

static int opened(int fd, const char *path, int existed) {
    if (fd >= 0 && fd < MOST) {
        free(paths[fd]);
        paths[fd] = NULL;
        if (ours(path)) {
            paths[fd] = strdup(path);
            if (!existed) note('c', path, 0, NULL, 0);
        }
    }
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        int existed = access(path, F_OK) == 0; \
        int fd = opened(REAL(name)(path, flags, mode), path, existed); \
        if (fd >= 0 && fd < MOST && paths[fd] && existed && (flags & O_TRUNC)) note('t', path, 0, NULL, 0); \
        return fd; \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        int existed = faccessat(at, path, F_OK, 0) == 0; \
        return opened(REAL(name)(at, path, flags, mode), path, existed); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    if (fd >= 0 && fd < MOST && paths[fd]) { free(paths[fd]); paths[fd] = NULL; }
    return REAL(close)(fd);
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST && fd != log_fd ? paths[fd] : NULL; }

#define PWRITE(name, off) \
    ssize_t name(int fd, const void *data, size_t size, off at) { \
        ssize_t done = REAL(name)(fd, data, size, at); \
        if (done > 0 && path_of(fd)) note('w', path_of(fd), at, data, done); \
        return done; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size) {
    off_t at = path_of(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = REAL(write)(fd, data, size);
    if (done > 0 && path_of(fd)) note('w', path_of(fd), at, data, done);
    return done;
}

#define TRUNCATE(name, off) \
    int name(int fd, off size) { \
        int came = REAL(name)(fd, size); \
        if (!came && path_of(fd)) note('t', path_of(fd), size, NULL, 0); \
        return came; \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
    int name(int fd) { \
        int came = REAL(name)(fd); \
        if (!came && path_of(fd)) note('s', path_of(fd), 0, NULL, 0); \
        return came; \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    int came = REAL(unlink)(path);
    if (!came && ours(path)) note('u', path, 0, NULL, 0);
    return came;
}

int rename(const char *path, const char *to) {
    int came = REAL(rename)(path, to);
    if (!came && ours(path)) note('r', path, 0, to, strlen(to));
    return came;
}
