"""A server that misbehaves on request: /MODE/NAME serves FOLDER/NAME in the way of MODE.  Prints its port, ends with its input."""
import http.server, os, sys, threading, time

folder = sys.argv[1]
asked = {}  # how often a path was asked for


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        with open(os.path.join(folder, "requests.txt"), "a") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('Range')} {self.headers.get('If-Range')}\n")

    def answer(self, status, body, extra=(), length=None):
        self.send_response(status)
        for name, value in extra:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            pass
        self.close_connection = True

    def do_GET(self):
        mode, _, name = self.path.strip("/").partition("/")
        times = asked[self.path] = asked.get(self.path, 0) + 1
        path = os.path.join(folder, name)
        if mode == "404" or not os.path.exists(path):
            return self.answer(404, b"<html>not here</html>")
        if mode == "500":
            return self.answer(500, b"<html>broken</html>")
        if mode == "500-once" and times == 1:
            return self.answer(503, b"wait")
        if mode == "redirect":
            return self.answer(302, b"", [("Location", f"/good/{name}")])
        if mode == "loop":
            return self.answer(302, b"", [("Location", self.path)])
        if mode == "to-file":
            return self.answer(302, b"", [("Location", "file:///etc/passwd")])
        data = open(path, "rb").read()
        if mode == "corrupt":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if mode == "endless":
            data = data + b"x" * 5000000
        etag = '"two"' if mode == "changed" and times > 1 else '"one"'
        begin, status, extra = 0, 200, [("ETag", etag)]
        wanted = self.headers.get("Range")
        if wanted and mode not in ("ignores-range",) and self.headers.get("If-Range") in (None, etag):
            begin, status = int(wanted.split("=")[1].split("-")[0]), 206
            if mode == "wrong-part":
                begin = 0
            extra.append(("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}"))
        rest = data[begin:]
        if mode in ("truncate", "ignores-range", "changed") and (times == 1 or mode == "truncate"):
            return self.answer(status, rest[: max(1, min(len(rest), len(data) // 3))], extra, len(rest))
        if mode == "empty":
            return self.answer(status, b"", extra, len(rest))
        if mode == "stall" or mode == "drip":
            self.send_response(status)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            try:
                self.wfile.write(rest[:1000])
                self.wfile.flush()
                for i in range(100):
                    time.sleep(0.2)
                    if mode == "drip":
                        self.wfile.write(rest[1000 + i : 1001 + i])
                        self.wfile.flush()
            except OSError:
                pass
            self.close_connection = True
            return
        self.answer(status, rest, extra)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(os.path.join(folder, "port.tmp"), "w") as f:
    f.write(str(server.server_port))
os.rename(os.path.join(folder, "port.tmp"), os.path.join(folder, "port"))
sys.stdin.read()
