/* The control of the rpc benches: a Unix-socket ping-pong in C, no codec, and the client that drives any server of frames.
 *
 *   control serve PATH REPLY_BYTES                 answers every frame with a frame of so many bytes
 *   control drive PATH FRAME_FILE DEPTH SECONDS    sends the file's frame, DEPTH in flight; prints {"p50_us", "per_second"}
 *
 * A frame is a u32 little-endian length and a body. With DEPTH 1 every round trip is timed; p50 is their median.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SAMPLES = 4 << 20, BUFFER = 8 << 20, MOST_CLIENTS = 64 };

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path) {
        fprintf(stderr, "the path is too long\n");
        exit(1);
    }
    strcpy(a.sun_path, path);
    return a;
}

static void send_all(int fd, const uint8_t *bytes, size_t length) {
    while (length) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) die("send");
        bytes += n;
        length -= (size_t)n;
    }
}

/* Whole frames at the start of the buffer: how many, and how many bytes they take. */
static size_t frames(const uint8_t *buffer, size_t have, size_t *taken) {
    size_t count = 0, at = 0;
    while (have - at >= 4) {
        uint32_t length;
        memcpy(&length, buffer + at, 4);
        if (have - at - 4 < length) break;
        at += 4 + length;
        count++;
    }
    *taken = at;
    return count;
}

struct client {
    int fd;
    uint8_t *buffer;
    size_t have;
};

static void serve(const char *path, uint32_t reply_bytes) {
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_un a = address(path);
    unlink(path);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 128)) die(path);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    size_t one = 4 + reply_bytes;
    uint8_t *replies = calloc(MOST_CLIENTS, one);
    for (int i = 0; i < MOST_CLIENTS; i++) memcpy(replies + i * one, &reply_bytes, 4);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[MOST_CLIENTS];
        int n = epoll_wait(epoll, ready, MOST_CLIENTS, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = ready[i].data.ptr;
            if (!c) {
                c = calloc(1, sizeof *c);
                c->fd = accept(listener, NULL, NULL);
                c->buffer = malloc(BUFFER);
                struct epoll_event added = {.events = EPOLLIN, .data.ptr = c};
                epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &added);
                continue;
            }
            ssize_t got = recv(c->fd, c->buffer + c->have, BUFFER - c->have, 0);
            if (got <= 0) {
                close(c->fd);
                free(c->buffer);
                free(c);
                continue;
            }
            c->have += (size_t)got;
            size_t taken, count = frames(c->buffer, c->have, &taken);
            memmove(c->buffer, c->buffer + taken, c->have - taken);
            c->have -= taken;
            for (; count; count -= count < MOST_CLIENTS ? count : MOST_CLIENTS)
                send_all(c->fd, replies, one * (count < MOST_CLIENTS ? count : MOST_CLIENTS));
        }
    }
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void drive(const char *path, const char *file, size_t depth, double seconds) {
    FILE *f = fopen(file, "rb");
    if (!f) die(file);
    static uint8_t frame[BUFFER];
    size_t length = fread(frame, 1, sizeof frame, f);
    fclose(f);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = address(path);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) die(path);
    uint8_t *burst = malloc(length * depth), *buffer = malloc(BUFFER);
    for (size_t i = 0; i < depth; i++) memcpy(burst + i * length, frame, length);
    float *samples = malloc(sizeof(float) * MOST_SAMPLES);
    size_t taken_samples = 0, have = 0, done = 0;
    double begin = now() + 0.1, end = begin + seconds, before = now();
    int warm = 1;
    send_all(fd, burst, length * depth);
    for (;;) {
        ssize_t got = recv(fd, buffer + have, BUFFER - have, 0);
        if (got <= 0) die("the server ended");
        have += (size_t)got;
        size_t taken, count = frames(buffer, have, &taken);
        if (!count) continue;
        memmove(buffer, buffer + taken, have - taken);
        have -= taken;
        double at = now();
        if (warm && at >= begin) {
            warm = 0;
            begin = at;
            done = 0;
        } else if (!warm) {
            done += count;
            if (depth == 1 && taken_samples < MOST_SAMPLES) samples[taken_samples++] = (float)((at - before) * 1e6);
            if (at >= end) break;
        }
        before = now();
        send_all(fd, burst, length * count);
    }
    double took = now() - begin;
    qsort(samples, taken_samples, sizeof(float), by_value);
    printf("{\"p50_us\": %.3f, \"per_second\": %.0f}\n", taken_samples ? samples[taken_samples / 2] : 0.0, done / took);
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "serve"))
        serve(argv[2], (uint32_t)atoi(argv[3]));
    else if (argc == 6 && !strcmp(argv[1], "drive"))
        drive(argv[2], argv[3], (size_t)atoi(argv[4]), atof(argv[5]));
    else {
        fprintf(stderr, "usage: control serve PATH REPLY_BYTES | control drive PATH FRAME_FILE DEPTH SECONDS\n");
        return 2;
    }
    return 0;
}
