/* Many devices in one process: real upgrades, real frames, and an exact count of what arrives. */
#ifndef GENERATOR_H
#define GENERATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A process here may have 20,000 files open. */
#define MAX_CONNECTIONS 19900
#define MAX_SECONDS 1800
#define TOKEN_LENGTH 43
/* The close code of a server that takes no more for now (lib/protocol/errors.ts). */
#define OVERLOADED 4005

enum dialect { APARTE, PLAIN, SOCKET_IO };
enum state { UNUSED, UPGRADING, READY, ENDED };

/* One connection's place in one conversation, and which of the last 64 numbers it has seen. */
struct slot {
  uint32_t conversation, last;
  uint64_t seen;
};

/* The start of what the other end has not finished sending. */
struct partial {
  uint32_t length;
  char bytes[];
};

struct connection {
  int fd;
  enum state state;
  uint32_t first_slot, slot_count;
  /* When it says next that it is there, in ms, and how often it has. */
  uint32_t beats_at, beats;
  struct partial *partial;
};

struct conversation {
  char id[37];
  uint32_t receivers, roster_version;
};

struct counters {
  uint64_t refused, opened, ready, failed, closed, sent, acked, delivered, unique, twice, errors, blocked;
  int last_close_code;
};

extern enum dialect dialect;
extern struct connection *connections;
extern uint32_t connection_count;
extern struct slot *slots;
extern struct conversation *conversations;
extern uint32_t conversation_count;
extern char (*tokens)[TOKEN_LENGTH + 1];
extern struct counters counters;
extern int poller;

uint64_t now_ns(void);
void fail(const char *what);

/* histogram.c: latencies in buckets 1/32 of their size wide. */
void latency_add(uint64_t ns);
void latency_reset(void);
void latency_print(void);

/* upgrade.c */
struct loopback { uint32_t address; uint16_t port; };
/* Refuses whatever is not in 127.0.0.0/8. */
struct loopback loopback_of(const char *text);
void targets_set(char *list);
void source_set(const char *text);
void origin_set(const char *text);
void upgrade_start(uint32_t number);
/* The server has too much to do: it comes back, as the app does. */
void upgrade_later(struct connection *connection);
/* @returns the number of one that is due to come back; -1 when nobody is */
int64_t upgrade_due(void);
/* How many are to come back. */
uint32_t upgrades_later(void);
/* Reads the answer to the upgrade. @returns how many bytes it took, or -1 while it is incomplete */
ssize_t upgrade_answer(struct connection *connection, const char *bytes, size_t length);
int connect_to(struct loopback to, bool from_source);

/* frames.c */
void connection_read(struct connection *connection);
void connection_end(struct connection *connection);
/* @returns false when the kernel took nothing */
bool frame_write(struct connection *connection, int opcode, const char *payload, size_t length);

/* beat.c */
void beat_later(struct connection *connection);
/* @returns how many ms the loop may sleep */
int beat_step(void);

/* drive.c */
void drive_start(char *command);
/* @returns how many ms the loop may sleep; -1 when nothing is driven */
int drive_step(void);
void control_set(const char *text);
void counters_print(const char *event);
#endif
