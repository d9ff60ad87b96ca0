#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "generator.h"

/*
 * drive KIND PACE RATE WINDOW SECONDS SIZE FROM TO
 * KIND: send | activity | relay | fan | broadcast | control
 * PACE: open (RATE per second, whatever comes back), window (WINDOW at once, the next when one is done),
 *       burst (WINDOW at once, the next WINDOW when all are done)
 * SIZE: bytes of the ciphertext, or of a plain payload. FROM, TO: which conversations, or for plain servers
 *       FROM is how many are reached by one, and TO how many connections there are.
 */
static struct {
  bool on, stopped, open, burst;
  char kind[16];
  double rate;
  uint64_t window, size, from, to, started, ends, issued, expected, delivered_before, acked_before;
  uint64_t next;
} drive;

struct seat { uint32_t connection, slot; };
static struct seat *seats;
static uint64_t seat_count;
static int control = -1;
static char text[64 * 1024];
static uint64_t dice = 88172645463325252ull;

void control_set(const char *address) {
  control = connect_to(loopback_of(address), false);
  if (control < 0) fail("The control port is not reached.");
}

static uint64_t roll(void) {
  dice ^= dice << 13;
  dice ^= dice >> 7;
  return dice ^= dice << 17;
}

/* Everyone who is connected, in every conversation asked for, in an order that is like any other. */
static void seats_fill(void) {
  free(seats);
  seat_count = 0;
  uint64_t most = 0;
  for (uint32_t at = 0; at < connection_count; at++) most += connections[at].slot_count;
  seats = malloc((most + 1) * sizeof *seats);
  for (uint32_t at = 0; at < connection_count; at++) {
    if (connections[at].state != READY) continue;
    for (uint32_t place = 0; place < connections[at].slot_count; place++) {
      uint32_t conversation = slots[connections[at].first_slot + place].conversation;
      if (conversation >= drive.from && conversation < drive.to) seats[seat_count++] = (struct seat){at, place};
    }
  }
  for (uint64_t at = seat_count; at > 1; at--) {
    uint64_t other = roll() % at;
    struct seat swapped = seats[at - 1];
    seats[at - 1] = seats[other];
    seats[other] = swapped;
  }
}

void drive_start(char *command) {
  memset(&drive, 0, sizeof drive);
  char pace[16];
  double seconds = 0;
  unsigned long long window = 0, size = 0, from = 0, to = 0;
  if (sscanf(command, "drive %15s %15s %lf %llu %lf %llu %llu %llu", drive.kind, pace, &drive.rate, &window, &seconds,
             &size, &from, &to) != 8)
    fail("A drive has eight words.");
  if (seconds > MAX_SECONDS || size > sizeof text - 1024) fail("A drive is too long.");
  drive.window = window, drive.size = size, drive.from = from, drive.to = to;
  drive.open = strcmp(pace, "open") == 0;
  drive.burst = strcmp(pace, "burst") == 0;
  if (dice == 88172645463325252ull) dice ^= now_ns() * (uint64_t)getpid();
  if (strcmp(drive.kind, "send") == 0 || strcmp(drive.kind, "activity") == 0) {
    seats_fill();
    if (seat_count == 0) fail("Nobody is there to send.");
  }
  drive.delivered_before = counters.delivered;
  drive.acked_before = counters.acked;
  drive.started = now_ns();
  /* Several generators are told to begin in the same millisecond; each has its own beat, like people. */
  if (drive.open && drive.rate > 0) drive.started += (uint64_t)((double)(roll() % 1000) / 1000 * 1e9 / drive.rate);
  drive.ends = drive.started + (uint64_t)(seconds * 1e9);
  drive.on = true;
}

static uint64_t padded(int written, uint64_t size) {
  uint64_t length = (uint64_t)written;
  if (length < size) memset(text + length, 'x', size - length);
  return length < size ? size : length;
}

static uint64_t send_frame(struct seat seat, const struct conversation *conversation, uint32_t index, uint64_t due) {
  int head = sprintf(text,
    "{\"t\":\"send\",\"r\":%llu,\"message\":{\"conversationId\":\"%s\",\"clientId\":\"%08x-%04x-4%03x-8%03x-%012llx\","
    "\"slot\":\"log\",\"rosterVersion\":%u,\"ciphertext\":\"", (unsigned long long)(drive.issued * 16 + seat.slot),
    conversation->id, (unsigned)(roll() >> 32), (unsigned)(roll() >> 48), (unsigned)(roll() >> 52),
    (unsigned)(roll() >> 52), (unsigned long long)(roll() >> 16), conversation->roster_version);
  int stamp = sprintf(text + head, "~%016llx%08x", (unsigned long long)due, index);
  uint64_t length = padded(head + stamp, (uint64_t)head + drive.size);
  memcpy(text + length, "\",\"envelopes\":[]}}", 18);
  return length + 18;
}

/* @returns how many deliveries, or answers, it will bring; 0 when it could not be sent */
static uint64_t issue(uint64_t due) {
  uint64_t length, brings;
  struct connection *by;
  if (strcmp(drive.kind, "control") == 0) {
    if (write(control, "b\n", 2) != 2) fail("The control port is gone.");
    return drive.from;
  }
  if (strcmp(drive.kind, "send") == 0 || strcmp(drive.kind, "activity") == 0) {
    struct seat seat = seats[drive.next++ % seat_count];
    by = &connections[seat.connection];
    uint32_t index = slots[by->first_slot + seat.slot].conversation;
    const struct conversation *conversation = &conversations[index];
    if (drive.kind[0] == 's') {
      length = send_frame(seat, conversation, index, due);
      brings = 1;
    } else {
      length = (uint64_t)sprintf(text, "{\"t\":\"activity\",\"conversationId\":\"%s\",\"kind\":\"typing\"}", conversation->id);
      brings = conversation->receivers;
    }
  } else {
    bool relay = drive.kind[0] == 'r', all = drive.kind[0] == 'b' || drive.kind[0] == 'p';
    uint64_t group = relay ? 2 : drive.from + 1;
    uint64_t sender = all ? 0 : drive.next++ * 7919 % (drive.to / group * group);
    uint64_t of = relay ? sender ^ 1 : sender / group;
    by = &connections[sender];
    int start = dialect == SOCKET_IO ? 7 : 0;
    if (start > 0) memcpy(text, "42[\"m\",\"", 8), start = 8;
    int written = sprintf(text + start, "%c%llu,%llu,", drive.kind[0], (unsigned long long)of, (unsigned long long)group);
    length = padded(start + written, (uint64_t)start + drive.size);
    if (start > 0) memcpy(text + length, "\"]", 2), length += 2;
    brings = relay ? 1 : drive.from;
  }
  if (by->state != READY || !frame_write(by, 1, text, length)) return 0;
  counters.sent++;
  return brings;
}

static uint64_t done(void) {
  return strcmp(drive.kind, "send") == 0 ? counters.acked - drive.acked_before
                                         : counters.delivered - drive.delivered_before;
}

static void finish(uint64_t now) {
  drive.on = false;
  printf("{\"event\":\"driven\",\"issued\":%llu,\"expected\":%llu,\"done\":%llu,\"delivered\":%llu,\"seconds\":%.6f}\n",
         (unsigned long long)drive.issued, (unsigned long long)drive.expected, (unsigned long long)done(),
         (unsigned long long)(counters.delivered - drive.delivered_before), (double)(now - drive.started) / 1e9);
  fflush(stdout);
}

int drive_step(void) {
  if (!drive.on) return -1;
  uint64_t now = now_ns();
  if (now >= drive.ends) {
    /* What is on its way is waited for, but not for ever. */
    if (done() >= drive.expected || now > drive.ends + 10000000000ull) {
      finish(now);
      return -1;
    }
    return 1;
  }
  if (drive.open) {
    if (now < drive.started) return 1;
    uint64_t due = (uint64_t)((double)(now - drive.started) / 1e9 * drive.rate);
    for (int most = 2000; drive.issued < due && most > 0; most--) {
      uint64_t due_at = drive.started + (uint64_t)((double)drive.issued / drive.rate * 1e9);
      drive.expected += issue(due_at);
      drive.issued++;
    }
    return drive.issued < due ? 0 : 1;
  }
  uint64_t outstanding = drive.expected - done();
  if (drive.burst ? outstanding > 0 : outstanding >= drive.window) return 1;
  if (drive.burst && strcmp(drive.kind, "control") == 0 && drive.window > 1) {
    char lines[512];
    for (uint64_t at = 0; at < drive.window; at++) memcpy(lines + at * 2, "b\n", 2);
    if (drive.window > 255 || write(control, lines, drive.window * 2) < 0) fail("The control port is gone.");
    drive.expected += drive.from * drive.window;
    drive.issued += drive.window;
    return 1;
  }
  for (uint64_t at = 0; at < drive.window && at < 2000; at++) {
    if (!drive.burst && drive.expected - done() >= drive.window) break;
    drive.expected += issue(now_ns());
    drive.issued++;
  }
  return 1;
}
