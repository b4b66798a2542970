// SPDX-License-Identifier: Apache-2.0
//
// The clients of scripts/bench-path: one thread, which does as little as it can for an answer.
//
//   load kept PORT CONNECTIONS SECONDS EVENTS REQUEST
//     asks over CONNECTIONS kept connections, on each one request after the other. An answer is fine when its status is 200
//     and it has at least EVENTS events. At the end: `requests`, `failures`, and the time to the first byte in
//     nanoseconds as `p50` and `p99`.
//   load open PORT CONNECTIONS REQUEST
//     opens as many streams and says `open` when each has said something. For each line on standard input it says how
//     many events have come in all, and how many streams have ended or failed. It ends with its input.
//
// REQUEST is a file with the bytes to be sent. Its answers are HTTP/1.1 with Content-Length or in chunks.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, HEAD = 8192, PATIENCE_MILLISECONDS = 10000 };
enum part { STATUS_AND_FIELDS, LENGTH, SIZE_OF_CHUNK, CHUNK, END_OF_CHUNK, TRAILER, OVER };

struct client {
    int fd;
    enum part part;
    char head[HEAD];
    size_t filled;
    // Bytes of this part that are still to come.
    unsigned long left;
    unsigned long events;
    bool after_newline, is_waiting, has_begun, is_fine;
    long asked;
};

static struct client *clients;
static int queue, port;
static char request[HEAD];
static size_t request_length;
static unsigned long events, ended, begun, requests, failures, wanted;
static unsigned *samples;
static size_t sampled, room;

static long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000L + at.tv_nsec;
}

static void fail(const char *what, const struct client *one) {
    if (failures++ == 0) fprintf(stderr, "%s: %.*s\n", what, one ? (int)one->filled : 0, one ? one->head : "");
}

static void remember(long nanoseconds) {
    if (sampled == room) samples = realloc(samples, (room = room ? 2 * room : 65536) * sizeof *samples);
    samples[sampled++] = nanoseconds > 4000000000L ? 4000000000U : (unsigned)nanoseconds;
}

static bool dial(struct client *one) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&address, sizeof address)) return false;
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event wish = {.events = EPOLLIN, .data.ptr = one};
    return epoll_ctl(queue, EPOLL_CTL_ADD, one->fd, &wish) == 0;
}

static bool ask(struct client *one) {
    one->part = STATUS_AND_FIELDS;
    one->filled = one->events = 0;
    one->after_newline = one->has_begun = one->is_fine = false;
    one->is_waiting = true;
    one->asked = now();
    return send(one->fd, request, request_length, MSG_NOSIGNAL) == (ssize_t)request_length;
}

// An event ends with an empty line.
static void count(struct client *one, const char *bytes, size_t length) {
    for (const char *end = bytes + length; bytes < end;) {
        const char *line = memchr(bytes, '\n', (size_t)(end - bytes));
        if (!line) {
            one->after_newline = false;
            return;
        }
        bool is_empty = line == bytes && one->after_newline;
        one->after_newline = !is_empty;
        one->events += is_empty;
        events += is_empty;
        bytes = line + 1;
    }
}

// Takes the head once it is whole; returns how many of the bytes were its.
static size_t take_head(struct client *one, const char *bytes, size_t length) {
    size_t before = one->filled, more = length < HEAD - 1 - before ? length : HEAD - 1 - before;
    memcpy(one->head + before, bytes, more);
    one->head[one->filled = before + more] = 0;
    char *end = strstr(one->head, "\r\n\r\n");
    if (!end) return more;
    end[2] = 0;
    char *size = strcasestr(one->head, "\r\ncontent-length:");
    one->is_fine = !strncmp(one->head, "HTTP/1.1 200 ", 13);
    one->left = size ? strtoul(size + 17, NULL, 10) : 0;
    one->part = strcasestr(one->head, "\r\ntransfer-encoding: chunked") ? SIZE_OF_CHUNK : one->left ? LENGTH : OVER;
    size_t used = (size_t)(end + 4 - one->head) - before;
    one->filled = one->part == SIZE_OF_CHUNK ? 0 : one->filled;
    return used;
}

// A line of the framing of chunks; returns how many of the bytes were its.
static size_t take_line(struct client *one, const char *bytes, size_t length) {
    for (size_t at = 0; at < length; at++) {
        if (bytes[at] != '\n') {
            if (one->filled < HEAD - 1) one->head[one->filled++] = bytes[at];
            continue;
        }
        one->head[one->filled] = 0;
        bool is_empty = one->filled == 0 || one->head[0] == '\r';
        one->filled = 0;
        if (one->part == SIZE_OF_CHUNK) {
            one->left = strtoul(one->head, NULL, 16);
            one->part = one->left ? CHUNK : TRAILER;
        } else if (one->part == END_OF_CHUNK) {
            one->part = SIZE_OF_CHUNK;
        } else if (is_empty) {
            one->part = OVER;
        }
        return at + 1;
    }
    return length;
}

static void take(struct client *one, const char *bytes, size_t length) {
    while (length > 0 && one->part != OVER) {
        size_t used = length;
        if (one->part == STATUS_AND_FIELDS) {
            used = take_head(one, bytes, length);
        } else if (one->part == LENGTH || one->part == CHUNK) {
            used = length < one->left ? length : one->left;
            count(one, bytes, used);
            one->left -= used;
            if (one->left == 0) one->part = one->part == LENGTH ? OVER : END_OF_CHUNK;
        } else {
            used = take_line(one, bytes, length);
        }
        bytes += used;
        length -= used;
    }
}

static void close_client(struct client *one) {
    close(one->fd);
    one->fd = -1;
    one->is_waiting = false;
    ended++;
}

// Reads what there is; true when the answer is over and was what it should be.
static bool read_some(struct client *one) {
    static char bytes[1 << 16];
    ssize_t got = recv(one->fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
        fail(got ? strerror(errno) : "the connection was closed", one);
        close_client(one);
        return false;
    }
    if (one->is_waiting) remember(now() - one->asked);
    one->is_waiting = false;
    take(one, bytes, (size_t)got);
    if (!one->has_begun && one->events > 0) one->has_begun = true, begun++;
    return one->part == OVER;
}

static int compare(const void *a, const void *b) {
    unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;
    return (first > second) - (first < second);
}

static int kept(int number, double seconds) {
    int running = 0;
    for (int at = 0; at < number; at++) {
        if (!dial(&clients[at]) || !ask(&clients[at])) return perror("load"), 1;
        running++;
    }
    long end = now() + (long)(seconds * 1e9);
    while (running > 0) {
        struct epoll_event ready[64];
        int found = epoll_wait(queue, ready, 64, PATIENCE_MILLISECONDS);
        if (found <= 0) return fputs("no answer for ten seconds\n", stderr), 1;
        for (int at = 0; at < found; at++) {
            struct client *one = ready[at].data.ptr;
            bool is_over = read_some(one);
            if (one->fd < 0) return 1;
            if (!is_over) continue;
            requests++;
            if (!one->is_fine || one->events < wanted) fail("not what was asked for", one);
            if (now() >= end || !ask(one)) close_client(one), running--;
        }
    }
    qsort(samples, sampled, sizeof *samples, compare);
    printf("requests %lu\nfailures %lu\np50 %u\np99 %u\n", requests, failures, samples[(sampled - 1) / 2],
           samples[(sampled - 1) * 99 / 100]);
    return 0;
}

static int open_streams(int number) {
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    bool is_told = false;
    epoll_ctl(queue, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int at = 0; at < number; at++)
        if (!dial(&clients[at]) || !ask(&clients[at])) return perror("load"), 1;
    for (;;) {
        struct epoll_event ready[256];
        int found = epoll_wait(queue, ready, 256, -1);
        for (int at = 0; at < found; at++) {
            struct client *one = ready[at].data.ptr;
            if (one) {
                if (!read_some(one) || one->fd < 0) continue;
                if (!one->is_fine) fail("not what was asked for", one);
                close_client(one);
                continue;
            }
            char line[64];
            if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
            printf("%lu %lu %lu\n", events, ended, failures);
        }
        if (!is_told && (begun == (unsigned long)number || ended > 0)) is_told = true, puts("open");
    }
}

int main(int words_count, char **words) {
    bool is_kept = words_count == 7 && !strcmp(words[1], "kept"), is_open = words_count == 5 && !strcmp(words[1], "open");
    if (!is_kept && !is_open) return fputs("usage: load kept|open PORT CONNECTIONS …\n", stderr), 64;
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    port = atoi(words[2]);
    int number = atoi(words[3]);
    FILE *file = fopen(words[words_count - 1], "r");
    if (!file || number < 1 || number > MOST - 16) return fputs("load: no such request, or too many connections\n", stderr), 64;
    request_length = fread(request, 1, sizeof request, file);
    fclose(file);
    queue = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc((size_t)number, sizeof *clients);
    if (is_open) return open_streams(number);
    wanted = strtoul(words[5], NULL, 10);
    return kept(number, atof(words[4]));
}
