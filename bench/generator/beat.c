#include "generator.h"

/*
 * Much as the app does (lib/client/connection.ts): a device beats, and asks at every fourth time; those that speak as
 * well, since that is simpler.
 */
#define BEAT_MS 18000
#define BEATS_PER_QUESTION 4
#define LOOK_MS 1000

static uint32_t now_ms(void) { return (uint32_t)(now_ns() / 1000000ull); }

void beat_later(struct connection *connection) { connection->beats_at = now_ms() + BEAT_MS; }

int beat_step(void) {
  static uint32_t looked_at;
  uint32_t now = now_ms();
  if (dialect != APARTE) return -1;
  if (now - looked_at < LOOK_MS) return (int)(LOOK_MS - (now - looked_at));
  looked_at = now;
  for (uint32_t at = 0; at < connection_count; at++) {
    struct connection *connection = &connections[at];
    if (connection->state != READY || (int32_t)(now - connection->beats_at) < 0) continue;
    if (++connection->beats % BEATS_PER_QUESTION == 0) frame_write(connection, 1, "{\"t\":\"ping\"}", 12);
    else frame_write(connection, 1, "", 0);
    beat_later(connection);
  }
  return LOOK_MS;
}
