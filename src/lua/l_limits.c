/* l_limits.c: how much a script may use.
 *
 *   limit{seconds =, instructions =, memory =, file =, report =} -> call      sets those that are given, 0 or nil: none
 *   call(chunk, handler, ...) -> reached, ok, value       xpcall(chunk, handler, ...) within the limits; reached tells where
 *               and which of them was reached, or is nil.  They end with the call, and the process ends if it lives `report`
 *               seconds longer.
 *   charge()    counts as PERIOD instructions
 *
 * A hook that every coroutine inherits is called after each PERIOD instructions.  Once a limit is reached it raises at every
 * instruction, so an error that pcall or a coroutine swallows comes again at once, one level further out, until the script has
 * ended.  Time is seen to by an
 * alarm, since one call into C (a pattern that matches in exponential time, say) executes no instructions: what has not
 * stopped GRACE seconds after the limit ends with the process.
 * Lua's memory is counted by its allocator, together with the tensors' (base/memory.h). */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/memory.h"
#include "lua/l_tensor.h"

enum { PERIOD = 1000, GRACE = 5, INTERRUPTED = 5 };

static bool        limited;
static lua_Integer instructions_left; /* -1: any number */
static lua_Number  seconds;
static lua_Number  report;
static char        reached[160], message[320]; /* what was reached, and where */
static volatile sig_atomic_t is_late, n_alarms;

bool l_is_limited(void) { return limited; }

/* ---- instructions and time ---------------------------------------------------------------------------------- */

static void set_timer(double after)
{
  double whole = floor(after);
  struct itimerval t = { { 0, 0 }, { (time_t)whole, (suseconds_t)((after - whole) * 1e6) } };
  if (after > 0 && !t.it_value.tv_sec && !t.it_value.tv_usec) t.it_value.tv_usec = 1;
  setitimer(ITIMER_REAL, &t, NULL);
}

static void on_alarm(int number)
{
  static const char text[] = "repro: interrupted: the script's time is over, and what is running does not stop by itself\n";
  (void)number;
  is_late = 1;
  if (n_alarms++ == 0) { set_timer(GRACE); return; }
  if (write(2, text, sizeof text - 1) < 0) _exit(INTERRUPTED);
  _exit(INTERRUPTED);
}

static void note_what_is_reached(void)
{
  if (reached[0]) return;
  if (is_late) snprintf(reached, sizeof reached, "the time limit of %.14g seconds (--max-seconds) is reached", (double)seconds);
  else if (instructions_left == 0) strcpy(reached, "the limit of instructions (--max-instructions) is reached");
}

static void on_count(lua_State *L, lua_Debug *ar)
{
  if (instructions_left > 0) instructions_left -= instructions_left < PERIOD ? instructions_left : PERIOD;
  note_what_is_reached();
  if (!reached[0] || !limited) return;
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  lua_getinfo(L, "Sl", ar);
  if (!message[0] && ar->currentline > 0)
    snprintf(message, sizeof message, "%s:%d: interrupted: %s", ar->short_src, ar->currentline, reached);
  luaL_error(L, "%s", message[0] ? message : reached);
}

/* A new coroutine starts with a count of its own: it is charged, so that many short ones cost what they take. */
static int charge(lua_State *L)
{
  lua_Debug ar;
  if (!limited || !lua_getstack(L, 1, &ar)) return 0;
  on_count(L, &ar);
  return 0;
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

static void *counted(void *unused, void *block, size_t old, size_t new)
{
  (void)unused;
  if (!block) old = 0; /* there it tells the kind of object */
  if (new > old && !rp_memory_claim(new - old)) return NULL;
  void *moved = NULL;
  if (new) moved = realloc(block, new);
  else free(block);
  if (new && !moved) { if (new > old) rp_memory_yield(new - old); return NULL; }
  if (new < old) rp_memory_yield(old - new);
  return moved;
}

static void limit_memory(lua_State *L, lua_Integer bytes)
{
  lua_gc(L, LUA_GCCOLLECT);
  size_t now = ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) + (size_t)lua_gc(L, LUA_GCCOUNTB);
  rp_memory_claim(now);
  lua_setallocf(L, counted, NULL);
  rp_memory_limit((size_t)bytes);
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

static lua_Number field(lua_State *L, const char *name)
{
  lua_getfield(L, 1, name);
  lua_Number n = luaL_optnumber(L, -1, 0);
  lua_pop(L, 1);
  if (n < 0 || n > 0x1p52) l_error(L, "limit: %s is %f; a number from 0 to 2^52 is expected", name, (double)n);
  return n;
}

static void limit_file(double bytes)
{
  struct rlimit r;
  if (getrlimit(RLIMIT_FSIZE, &r)) return;
  if (r.rlim_max == RLIM_INFINITY || bytes < (double)r.rlim_max) r.rlim_cur = (rlim_t)bytes;
  signal(SIGXFSZ, SIG_IGN); /* so that writing fails instead, and says where */
  setrlimit(RLIMIT_FSIZE, &r);
}

static void start(lua_State *L)
{
  struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
  reached[0] = message[0] = 0;
  is_late = n_alarms = 0;
  limited = true;
  if (instructions_left > 0 || seconds > 0)
    lua_sethook(L, on_count, LUA_MASKCOUNT, instructions_left > 0 && instructions_left < PERIOD ? (int)instructions_left : PERIOD);
  sigaction(SIGALRM, &action, NULL);
  set_timer(seconds);
}

static void finish(lua_State *L)
{
  note_what_is_reached();
  limited = false;
  lua_sethook(L, NULL, 0, 0);
  rp_memory_limit(0);
  n_alarms = 1;
  set_timer(report);
}

/* As xpcall(chunk, handler, ...), within the limits; its results follow what was reached. */
static int call(lua_State *L)
{
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_insert(L, 1);
  lua_remove(L, 3);
  start(L);
  int status = lua_pcall(L, lua_gettop(L) - 2, 1, 1);
  finish(L);
  if (!reached[0]) lua_pushnil(L);
  else if (message[0]) lua_pushstring(L, message);
  else lua_pushfstring(L, "interrupted: %s", reached);
  lua_pushboolean(L, status == LUA_OK);
  lua_pushvalue(L, 2);
  return 3;
}

static int limit(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  if (limited) return l_error(L, "limit: this run's limits are set, and a script cannot change them");
  lua_Number most = field(L, "instructions"), memory = field(L, "memory"), file = field(L, "file");
  seconds = field(L, "seconds");
  report = field(L, "report");
  instructions_left = most > 0 ? (lua_Integer)most : -1;
  if (memory > 0) limit_memory(L, (lua_Integer)memory);
  if (file > 0) limit_file(file);
  lua_pushcfunction(L, call);
  return 1;
}

void l_open_limits(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "limit", limit }, { "charge", charge }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
}
