// Runs the project's shipped Lua files on a store.
//
// Redis has Lua 5.1, fengari has Lua 5.3. Two differences matter here: `unpack`, and the text of a
// number. The constructor defines both as in Lua 5.1. The page defines SCRIPTS (file name to text).

const SHARED = ["_prelude", "_claims"];
// The commands that move a job into a list or out of it.
const MOVES = new Set(["LPUSH", "RPUSH", "LREM", "LMOVE", "LMPOP", "RPOP", "ZADD", "ZREM"]);

class Scripts {
  // options: the local variables of the scripts, each as Lua code
  constructor(store, options) {
    this.store = store;
    this.written = [];  // the moves of jobs: {file, line, words, answer}
    const {lua, lauxlib, lualib, to_luastring} = fengari;
    this.L = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(this.L);
    this.given = Object.entries(options).map(([name, code]) => `local ${name} = ${code}\n`).join("");
    this.loaded = {};
    const put = (name, functions) => {
      lua.lua_newtable(this.L);
      for (const [field, call] of Object.entries(functions)) {
        lua.lua_pushcfunction(this.L, call);
        lua.lua_setfield(this.L, -2, to_luastring(field));
      }
      lua.lua_setglobal(this.L, to_luastring(name));
    };
    put("redis", {
      call: (L) => this.command(L),
      pcall: (L) => this.command(L),  // the same as call: the commands of these scripts never fail
      error_reply: (L) => {
        lua.lua_newtable(L);
        lua.lua_pushvalue(L, 1);
        lua.lua_setfield(L, -2, to_luastring("err"));
        return 1;
      },
    });
    put("cjson", {
      encode: (L) => (lua.lua_pushstring(L, to_luastring(encode(from_lua(L, 1)))), 1),
      decode: (L) => {
        let value;
        try {
          value = JSON.parse(fengari.to_jsstring(lauxlib.luaL_checkstring(L, 1)));
        } catch (error) {
          return lauxlib.luaL_error(L, to_luastring("no JSON"));
        }
        to_lua(L, value, true);
        return 1;
      },
    });
    // in Lua 5.1, unpack is global, and integers have no ".0"
    const adapt = "unpack = table.unpack\n"
      + "local plain = tostring\n"
      + "function tostring(value)\n"
      + "  if math.type(value) == 'float' then return string.format('%.14g', value) end\n"
      + "  return plain(value)\n"
      + "end\n";
    lauxlib.luaL_dostring(this.L, to_luastring(adapt));
  }

  // Run a script and return its reply. Throws an Error for an error reply.
  run(name, ...words) {
    const {lua, to_luastring} = fengari, L = this.L;
    const top = lua.lua_gettop(L);
    this.script = name;
    this.load(name);
    to_lua(L, words.map(String));
    lua.lua_setglobal(L, to_luastring("ARGV"));
    const failed = lua.lua_pcall(L, 0, 1, 0);
    const answer = failed ? String(from_lua(L, -1)) : reply(from_lua(L, -1));
    lua.lua_settop(L, top);
    if (failed) throw new Error(`${name}: ${answer}`);
    if (answer && answer.err) throw new Error(answer.err);
    return answer;
  }

  load(name) {
    const {lua, lauxlib, to_luastring} = fengari, L = this.L;
    if (!this.loaded[name]) {
      const files = [...SHARED, name];
      const text = this.given + files.map((file) => SCRIPTS[file]).join("");
      const failed = lauxlib.luaL_loadbuffer(
        L, to_luastring(text), null, to_luastring("@" + name));
      if (failed) throw new Error(String(from_lua(L, -1)));
      this.loaded[name] = lauxlib.luaL_ref(L, lua.LUA_REGISTRYINDEX);
    }
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, this.loaded[name]);
  }

  command(L) {
    const {lua, lauxlib, to_luastring} = fengari;
    const words = [];
    for (let i = 1; i <= lua.lua_gettop(L); i += 1) words.push(as_text(L, i));
    let answer;
    try {
      answer = this.store.call(...words);
    } catch (error) {
      return lauxlib.luaL_error(L, to_luastring(error.message));
    }
    if (MOVES.has(words[0])) this.written.push({...this.where(L), words, answer});
    to_lua(L, answer);
    return 1;
  }

  // Return the file and line of the running call. (The loaded text consists of several files.)
  where(L) {
    const {lua, to_luastring} = fengari, about = new lua.lua_Debug();
    lua.lua_getstack(L, 1, about);
    lua.lua_getinfo(L, to_luastring("Sl"), about);
    let line = about.currentline - this.given.split("\n").length + 1;
    for (const file of [...SHARED, this.script]) {
      const lines = SCRIPTS[file].split("\n").length - 1;
      if (line <= lines) return {file, line};
      line -= lines;
    }
    return {file: this.script, line};
  }
}

// Return an argument as text. Redis formats integers as they are, and other numbers with 17 digits.
function as_text(L, index) {
  const {lua, to_jsstring} = fengari;
  if (lua.lua_type(L, index) === lua.LUA_TNUMBER) {
    const value = lua.lua_tonumber(L, index);
    return Number.isInteger(value) ? String(value) : precise(value);
  }
  return to_jsstring(lua.lua_tostring(L, index));
}

// Format a number like C's %.17g, as far as these scripts need it.
function precise(value) {
  const text = value.toPrecision(17);
  return text.includes("e") ? text : text.replace(/\.?0+$/, "");
}

// Push a reply onto Lua's stack as Redis does (null becomes false), or a JSON value (null becomes
// nil).
function to_lua(L, value, json = false) {
  const {lua, to_luastring} = fengari;
  if (value === null || value === undefined) {
    json ? lua.lua_pushnil(L) : lua.lua_pushboolean(L, false);
  } else if (typeof value === "number") {
    Number.isInteger(value) && !json ? lua.lua_pushinteger(L, value) : lua.lua_pushnumber(L, value);
  } else if (typeof value === "boolean") {
    lua.lua_pushboolean(L, value);
  } else if (typeof value === "object") {
    lua.lua_newtable(L);
    const rows = Array.isArray(value) ? value.map((one, i) => [i + 1, one]) : Object.entries(value);
    for (const [name, one] of rows) {
      to_lua(L, one, json);
      if (typeof name === "number") lua.lua_rawseti(L, -2, name);
      else lua.lua_setfield(L, -2, to_luastring(name));
    }
  } else {
    lua.lua_pushstring(L, to_luastring(value));
  }
}

function from_lua(L, index) {
  const {lua, to_jsstring} = fengari, at = lua.lua_absindex(L, index);
  switch (lua.lua_type(L, at)) {
    case lua.LUA_TNIL: return null;
    case lua.LUA_TBOOLEAN: return lua.lua_toboolean(L, at);
    case lua.LUA_TNUMBER: return lua.lua_tonumber(L, at);
    case lua.LUA_TSTRING: return to_jsstring(lua.lua_tostring(L, at));
    default: break;
  }
  const list = [], table = {};
  lua.lua_pushnil(L);
  while (lua.lua_next(L, at)) {
    const value = from_lua(L, -1);
    if (lua.lua_type(L, -2) === lua.LUA_TNUMBER) list[lua.lua_tonumber(L, -2) - 1] = value;
    else table[to_jsstring(lua.lua_tostring(L, -2))] = value;
    lua.lua_pop(L, 1);
  }
  return Object.keys(table).length ? table : list;
}

// Convert Lua's result as Redis does for a client: numbers are truncated, false becomes null.
function reply(value) {
  if (typeof value === "number") return Math.trunc(value);
  if (value === false) return null;
  return Array.isArray(value) ? value.map(reply) : value;
}

// Encode as lua-cjson does, which escapes slashes.
function encode(value) {
  return JSON.stringify(value).replace(/\//g, "\\/").replace(/\u007f/g, "\\u007f");
}
