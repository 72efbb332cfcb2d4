/* Records what a process does to the files of one folder, so that a power cut can be tried out afterwards at any instant.
 *
 * Loaded with LD_PRELOAD. POWER_FOLDER is the folder, and POWER_LOG the file of records: kind, length of the path, offset, length
 * of the data, then path and data. A record of a sync has as its offset how many records were there when the sync began: writes
 * that came later are not among what it made durable. A call that changes files and is not known here ends the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITTEN = 1, TRUNCATED, SYNCED, UNLINKED };

struct head {
    uint32_t kind;
    uint32_t path_length;
    uint64_t offset;
    uint64_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t records;
static int log_file = -1;
static char folder[PATH_MAX];
static size_t folder_length;

#define REAL(name) ((__typeof__(name) *)real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

static void fail(const char *what) {
    static ssize_t (*put)(int, const void *, size_t);
    put = (ssize_t(*)(int, const void *, size_t))real("write");
    put(2, "power.c does not know this call: ", 33);
    put(2, what, strlen(what));
    put(2, "\n", 1);
    abort();
}

__attribute__((constructor)) static void start(void) {
    const char *where = getenv("POWER_FOLDER"), *log_path = getenv("POWER_LOG");
    if (where == NULL || log_path == NULL || realpath(where, folder) == NULL) return;
    folder_length = strlen(folder);
    log_file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) abort();
}

static int is_inside(const char *path) {
    return folder_length > 0 && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == '\0');
}

/* The path of an open file in the folder. The memory that connections of SQLite share is not meant to last. */
static int find_path(int file, char *path) {
    char link[64];
    int before = errno;
    if (log_file < 0 || file == log_file) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length <= 0) return 0;
    path[length] = '\0';
    return is_inside(path) && !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

static void put_all(struct iovec *parts, int count) {
    while (count > 0) {
        ssize_t put = REAL(writev)(log_file, parts, count);
        if (put < 0) abort();
        while (count > 0 && (size_t)put >= parts->iov_len) {
            put -= parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + put;
            parts->iov_len -= put;
        }
    }
}

/* The caller has the lock. */
static void put_record(uint32_t kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    struct head head = {kind, strlen(path), offset, length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path_length}, {(void *)data, data ? length : 0}};
    int before = errno;
    put_all(parts, 3);
    records++;
    errno = before;
}

static off64_t find_offset(int file) {
    struct stat64 found;
    if ((fcntl(file, F_GETFL) & O_APPEND) == 0) return lseek64(file, 0, SEEK_CUR);
    return fstat64(file, &found) == 0 ? found.st_size : 0;
}

ssize_t write(int file, const void *data, size_t length) {
    char path[PATH_MAX];
    if (!find_path(file, path)) return REAL(write)(file, data, length);
    pthread_mutex_lock(&lock);
    off64_t offset = find_offset(file);
    ssize_t done = REAL(write)(file, data, length);
    if (done > 0) put_record(WRITTEN, path, offset, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    char path[PATH_MAX];
    if (!find_path(file, path)) return REAL(pwrite64)(file, data, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(pwrite64)(file, data, length, offset);
    if (done > 0) put_record(WRITTEN, path, offset, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return pwrite64(file, data, length, offset); }

int ftruncate64(int file, off64_t length) {
    char path[PATH_MAX];
    if (!find_path(file, path)) return REAL(ftruncate64)(file, length);
    pthread_mutex_lock(&lock);
    int done = REAL(ftruncate64)(file, length);
    if (done == 0) put_record(TRUNCATED, path, 0, NULL, length);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int sync_with(int (*sync)(int), int file) {
    char path[PATH_MAX];
    if (!find_path(file, path)) return sync(file);
    pthread_mutex_lock(&lock);
    uint64_t before = records;
    pthread_mutex_unlock(&lock);
    int done = sync(file);
    pthread_mutex_lock(&lock);
    if (done == 0) put_record(SYNCED, path, before, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int file) { return sync_with(REAL(fsync), file); }

int fdatasync(int file) { return sync_with(REAL(fdatasync), file); }

int unlink(const char *name) {
    char path[PATH_MAX];
    if (log_file < 0 || realpath(name, path) == NULL || !is_inside(path)) return REAL(unlink)(name);
    pthread_mutex_lock(&lock);
    int done = REAL(unlink)(name);
    if (done == 0) put_record(UNLINKED, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

/* What nobody has used so far. */

#define REFUSE_FILE(name, file) \
    char path[PATH_MAX];        \
    if (find_path(file, path)) fail(#name)

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (file != log_file) {
        REFUSE_FILE(writev, file);
    }
    return REAL(writev)(file, parts, count);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    REFUSE_FILE(pwritev64, file);
    return REAL(pwritev64)(file, parts, count, offset);
}

int fallocate64(int file, int mode, off64_t offset, off64_t length) {
    REFUSE_FILE(fallocate64, file);
    return REAL(fallocate64)(file, mode, offset, length);
}

int posix_fallocate64(int file, off64_t offset, off64_t length) {
    REFUSE_FILE(posix_fallocate64, file);
    return REAL(posix_fallocate64)(file, offset, length);
}

void *mmap64(void *start, size_t length, int access, int flags, int file, off64_t offset) {
    if (file >= 0 && (flags & MAP_SHARED) && (access & PROT_WRITE)) {
        REFUSE_FILE(mmap64, file);
    }
    return REAL(mmap64)(start, length, access, flags, file, offset);
}

int rename(const char *from, const char *to) {
    char path[PATH_MAX];
    if (log_file >= 0 && realpath(from, path) != NULL && is_inside(path)) fail("rename");
    return REAL(rename)(from, to);
}
