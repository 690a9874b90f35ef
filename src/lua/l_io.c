/* l_io.c: rp.io: files and their formats.
 *
 *   read_png(path) -> x                        write_png(path, x)
 *   read_npy(path) -> x                        write_npy(path, x)
 *   read_npz(path) -> {name = x}               write_npz(path, {name = x})
 *   read_safetensors(path) -> {name = x}, {key = text}       write_safetensors(path, {name = x}[, {key = text}])
 *   read_idx(path) -> x      read_cifar10(path) -> images, labels      read_cifar100(path) -> images, coarse, fine
 *   read_text(path) -> s     write_text(path, s)      sha256_file(path) = sha256(path) -> hex      sha256_text(s) -> hex
 *   mkdir(path)     exists(path) -> bool    list(path) -> sorted names    remove(path) -> was it there
 *   json_encode, json_decode, json_array, null (l_json.c)     markdown(text) -> html
 *
 * Every failure raises.  Writers replace a file whole or leave it alone (io/writer.h). */
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "io/bundle.h"
#include "io/cifar.h"
#include "io/directory.h"
#include "io/idx.h"
#include "io/markdown.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/png.h"
#include "io/reader.h"
#include "io/safetensors.h"
#include "io/writer.h"
#include "lua/l_hold.h"
#include "lua/l_tensor.h"

/* The name by which the script called the running function. */
static const char *called(lua_State *L)
{
  lua_Debug ar;
  return lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name ? ar.name : "rp.io";
}

static const char *check_path(lua_State *L)
{
  size_t n;
  if (lua_type(L, 1) != LUA_TSTRING) l_error(L, "%s: expected a path as argument 1, not %s", called(L), luaL_typename(L, 1));
  const char *path = lua_tolstring(L, 1, &n);
  if (strlen(path) != n) l_error(L, "%s: the path '%s...' contains a zero byte", called(L), path);
  return path;
}

/* Text and its length at i; numbers are not taken for text. */
static const char *check_text(lua_State *L, int i, size_t *n)
{
  if (lua_type(L, i) != LUA_TSTRING) l_error(L, "%s: expected a string as argument %d, not %s", called(L), i, luaL_typename(L, i));
  return lua_tolstring(L, i, n);
}

/* ---- one tensor a file ------------------------------------------------------------------------------------ */

typedef rp_status reader(rp_tensor **out, const char *path);
typedef rp_status writer(const char *path, rp_tensor *x);

static int read_one(lua_State *L, reader *read)
{
  rp_status status = RP_OK;
  const char *path = check_path(L);
  rp_tensor **box = l_box(L);
  L_RETRY(L, status, read(box, path));
  if (status) return l_raise(L);
  l_account(L, *box);
  return 1;
}

static int write_one(lua_State *L, writer *write)
{
  const char *path = check_path(L);
  return write(path, l_check_tensor(L, 2)) ? l_raise(L) : 0;
}

static int l_read_png(lua_State *L) { return read_one(L, rp_png_read); }
static int l_read_npy(lua_State *L) { return read_one(L, rp_npy_read); }
static int l_read_idx(lua_State *L) { return read_one(L, rp_idx_read); }
static int l_write_png(lua_State *L) { return write_one(L, rp_png_write); }
static int l_write_npy(lua_State *L) { return write_one(L, rp_npy_write); }

static int64_t size_field(lua_State *L, const char *name)
{
  int ok = 0;
  lua_getfield(L, 1, name);
  int64_t v = lua_tointegerx(L, -1, &ok);
  if (!ok) l_error(L, "encode_png: %s is %s; an integer is expected", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return v;
}

static int l_encode_png(lua_State *L) /* {width, height, channels, bytes} -> a PNG file as a string */
{
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t height = size_field(L, "height"), width = size_field(L, "width"), channels = size_field(L, "channels");
  size_t  given = 0, n = 0;
  unsigned char *png = NULL;
  lua_getfield(L, 1, "bytes");
  const char *bytes = lua_tolstring(L, -1, &given);
  if (!bytes || height < 1 || width < 1 || channels < 1 || channels > 4 || height > 1000000 || width > 1000000
      || given != (size_t)(height * width * channels))
    return l_error(L, "encode_png: %zu bytes for an image of %lldx%lld with %lld channels", given, (long long)height, (long long)width, (long long)channels);
  l_held *held = l_hold(L, rp_release);
  if (rp_png_encode(&png, &n, (const unsigned char *)bytes, height, width, (int)channels)) return l_raise(L);
  held->p = png;
  lua_pushlstring(L, (const char *)png, n);
  l_let_go(held);
  return 1;
}

static int l_base64(lua_State *L) /* bytes -> text (RFC 4648) */
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  luaL_Buffer b;
  size_t      n = 0;
  const unsigned char *p = (const unsigned char *)luaL_checklstring(L, 1, &n);
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < n; i += 3) {
    uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0u);
    char four[4] = { digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=', i + 2 < n ? digits[v & 63] : '=' };
    luaL_addlstring(&b, four, 4);
  }
  luaL_pushresult(&b);
  return 1;
}

static int l_read_cifar10(lua_State *L)
{
  rp_status status = RP_OK;
  const char *path = check_path(L);
  rp_tensor **images = l_box(L), **labels = l_box(L);
  L_RETRY(L, status, rp_cifar10_read(images, labels, path));
  if (status) return l_raise(L);
  l_account(L, *images);
  return 2;
}

static int l_read_cifar100(lua_State *L)
{
  rp_status status = RP_OK;
  const char *path = check_path(L);
  rp_tensor **images = l_box(L), **coarse = l_box(L), **fine = l_box(L);
  L_RETRY(L, status, rp_cifar100_read(images, coarse, fine, path));
  if (status) return l_raise(L);
  l_account(L, *images);
  return 3;
}

/* ---- named tensors ---------------------------------------------------------------------------------------- */

typedef rp_status bundle_reader(rp_bundle **out, const char *path);

static void free_bundle(void *b) { rp_bundle_free(b); }

static void push_items(lua_State *L, const rp_bundle *b)
{
  lua_createtable(L, 0, (int)b->n_items);
  for (int64_t i = 0; i < b->n_items; i++) {
    rp_tensor **box = l_box(L);
    *box = rp_tensor_keep(b->items[i].value);
    lua_setfield(L, -2, b->items[i].name);
    l_account(L, b->items[i].value);
  }
}

static void push_notes(lua_State *L, const rp_bundle *b)
{
  lua_createtable(L, 0, (int)b->n_notes);
  for (int64_t i = 0; i < b->n_notes; i++) {
    lua_pushstring(L, b->notes[i].text);
    lua_setfield(L, -2, b->notes[i].key);
  }
}

static rp_bundle *read_many(lua_State *L, l_held *held, bundle_reader *read)
{
  rp_status status = RP_OK;
  rp_bundle *b = NULL;
  const char *path = lua_tostring(L, 1);
  L_RETRY(L, status, read(&b, path));
  if (status) l_raise(L);
  held->p = b;
  return b;
}

static int l_read_npz(lua_State *L)
{
  check_path(L);
  l_held *held = l_hold(L, free_bundle);
  push_items(L, read_many(L, held, rp_npz_read));
  l_let_go(held);
  return 1;
}

static int l_read_safetensors(lua_State *L)
{
  check_path(L);
  l_held *held = l_hold(L, free_bundle);
  rp_bundle *b = read_many(L, held, rp_safetensors_read);
  push_items(L, b);
  push_notes(L, b);
  l_let_go(held);
  return 2;
}

/* The number of entries of the table at i; its keys must be strings without zero bytes. */
static size_t count_names(lua_State *L, int i, const char *what)
{
  size_t n = 0, length;
  if (lua_type(L, i) != LUA_TTABLE)
    l_error(L, "%s: expected a table of %s as argument %d, not %s", called(L), what, i, luaL_typename(L, i));
  for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1), n++) {
    if (lua_type(L, -2) != LUA_TSTRING)
      l_error(L, "%s: the keys of the table of %s must be names; one is a %s", called(L), what, luaL_typename(L, -2));
    const char *name = lua_tolstring(L, -2, &length);
    if (strlen(name) != length) l_error(L, "%s: the name '%s...' contains a zero byte", called(L), name);
  }
  return n;
}

/* The entries of the table at i, which keeps names and tensors alive; the array itself is pushed. */
static rp_named *check_items(lua_State *L, int i, int64_t *n)
{
  size_t count = count_names(L, i, "tensors"), k = 0;
  rp_named *items = lua_newuserdatauv(L, (count + 1) * sizeof *items, 0);
  for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1), k++) {
    items[k] = (rp_named){ lua_tostring(L, -2), l_to_tensor(L, -1) };
    if (!items[k].value) l_error(L, "%s: '%s' is a %s; a tensor is expected", called(L), items[k].name, luaL_typename(L, -1));
  }
  *n = (int64_t)count;
  return items;
}

static rp_note *check_notes(lua_State *L, int i, int64_t *n)
{
  *n = 0;
  if (lua_isnoneornil(L, i)) return NULL;
  size_t count = count_names(L, i, "metadata"), k = 0, length;
  rp_note *notes = lua_newuserdatauv(L, (count + 1) * sizeof *notes, 0);
  for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1), k++) {
    const char *key = lua_tostring(L, -2);
    if (lua_type(L, -1) != LUA_TSTRING)
      l_error(L, "%s: the metadata '%s' is a %s; a string is expected", called(L), key, luaL_typename(L, -1));
    notes[k] = (rp_note){ key, lua_tolstring(L, -1, &length) };
    if (strlen(notes[k].text) != length) l_error(L, "%s: the metadata '%s' contains a zero byte", called(L), key);
  }
  *n = (int64_t)count;
  return notes;
}

static int l_write_npz(lua_State *L)
{
  int64_t n = 0;
  const char *path = check_path(L);
  const rp_named *items = check_items(L, 2, &n);
  return rp_npz_write(path, items, n) ? l_raise(L) : 0;
}

static int l_write_safetensors(lua_State *L)
{
  int64_t n = 0, n_notes = 0;
  const char *path = check_path(L);
  lua_settop(L, 3);
  const rp_named *items = check_items(L, 2, &n);
  const rp_note *notes = check_notes(L, 3, &n_notes);
  return rp_safetensors_write(path, items, n, notes, n_notes) ? l_raise(L) : 0;
}

/* ---- text and hashes -------------------------------------------------------------------------------------- */

static int l_read_text(lua_State *L)
{
  char *text = NULL;
  int64_t n = 0;
  const char *path = check_path(L);
  l_held *held = l_hold(L, rp_release);
  if (rp_read_file(&text, &n, path)) return l_raise(L);
  held->p = text;
  lua_pushlstring(L, text, (size_t)n);
  l_let_go(held);
  return 1;
}

static int l_write_text(lua_State *L)
{
  size_t n;
  const char *path = check_path(L), *text = check_text(L, 2, &n);
  return rp_write_file(path, text, (int64_t)n) ? l_raise(L) : 0;
}

static int l_sha256_file(lua_State *L)
{
  char hex[65];
  if (rp_sha256_file(hex, check_path(L))) return l_raise(L);
  lua_pushstring(L, hex);
  return 1;
}

static int l_sha256_text(lua_State *L)
{
  char hex[65];
  size_t n;
  const char *text = check_text(L, 1, &n);
  rp_sha256 s;
  rp_sha256_start(&s);
  rp_sha256_add(&s, text, n);
  rp_sha256_end(&s, hex);
  lua_pushstring(L, hex);
  return 1;
}

static int l_markdown(lua_State *L)
{
  char *html = NULL;
  size_t n, n_html = 0;
  const char *text = check_text(L, 1, &n);
  l_held *held = l_hold(L, rp_delete);
  if (rp_markdown(&html, &n_html, text, n)) return l_raise(L);
  held->p = html;
  lua_pushlstring(L, html, n_html);
  l_let_go(held);
  return 1;
}

/* ---- folders ---------------------------------------------------------------------------------------------- */

static int l_mkdir(lua_State *L) { return rp_mkdir(check_path(L)) ? l_raise(L) : 0; }

static int l_exists(lua_State *L)
{
  lua_pushboolean(L, rp_exists(check_path(L)));
  return 1;
}

static int l_remove(lua_State *L)
{
  bool was_there;
  if (rp_remove(check_path(L), &was_there)) return l_raise(L);
  lua_pushboolean(L, was_there);
  return 1;
}

static void free_names(void *names) { rp_names_free(names); }

static int l_list(lua_State *L)
{
  rp_names *names = NULL;
  const char *path = check_path(L);
  l_held *held = l_hold(L, free_names);
  if (rp_list(&names, path)) return l_raise(L);
  held->p = names;
  lua_createtable(L, (int)names->n, 0);
  for (int64_t i = 0; i < names->n; i++) {
    lua_pushstring(L, names->name[i]);
    lua_rawseti(L, -2, i + 1);
  }
  l_let_go(held);
  return 1;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

int l_open_io(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "read_png", l_read_png }, { "write_png", l_write_png }, { "encode_png", l_encode_png }, { "base64", l_base64 }, { "read_npy", l_read_npy }, { "write_npy", l_write_npy },
    { "read_npz", l_read_npz }, { "write_npz", l_write_npz }, { "read_safetensors", l_read_safetensors },
    { "write_safetensors", l_write_safetensors }, { "read_idx", l_read_idx }, { "read_cifar10", l_read_cifar10 },
    { "read_cifar100", l_read_cifar100 }, { "read_text", l_read_text }, { "write_text", l_write_text },
    { "sha256", l_sha256_file }, { "sha256_file", l_sha256_file }, { "sha256_text", l_sha256_text }, { "mkdir", l_mkdir },
    { "exists", l_exists }, { "list", l_list }, { "remove", l_remove }, { "json_encode", l_json_encode },
    { "json_decode", l_json_decode }, { "json_array", l_json_array }, { "markdown", l_markdown }, { NULL, NULL },
  };
  luaL_newlib(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}
