//! An opencode of long ago: its server is too old, and `run` does what words in its prompt say.

/// `serve` tells version 1.0.9. `run` notes each call in `$HOME/runs` (directory, thread, arguments), and
/// prints lines as they were recorded:
///
/// - `@refuse`: it knows no such option, and ends;
/// - `@late`: its first word comes when there is a file `$HOME/go`;
/// - `@wait`: after its first word it waits for a file `$HOME/end`;
/// - `@hang`: after its first word it runs a tool, in a session of its own, that never ends;
/// - `@limit`: for the first time, its second word is that the provider wants it to wait for two seconds;
/// - `@far`: the same, but for an hour;
/// - `@done`: it reports its task.
pub(crate) const OLD: &str = r#"
case "$1" in serve) exec python3 -c '
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"{\"healthy\":true,\"version\":\"1.0.9\"}"
        self.send_response(200); self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print("opencode server listening on http://127.0.0.1:%d" % s.server_port, flush=True)
s.serve_forever()
' ;; esac
prompt=$(cat)
echo "$PWD $WORK_THREAD $*" >> "$HOME/runs"
id=ses_$$
case "$*" in *"--session gone"*) echo 'Error: Session not found' >&2; exit 1 ;;
    *--session*) id=${*##*--session } ;; esac
wait_for() { while [ ! -e "$HOME/$1" ]; do sleep 0.02; done; }
line() { printf '{"type":"%s","timestamp":1,"sessionID":"%s","part":{"id":"prt_%s","messageID":"msg_1","type":%s}}\n' "$1" "$id" "$2" "$3"; }
case "$prompt" in *@refuse*) echo 'Unknown argument: format' >&2; exit 2 ;; esac
case "$prompt" in *@late*) wait_for go ;; esac
line step_start 1 '"step-start"'
line text 2 '"text","text":"a word ","time":{"start":1,"end":2}'
limit() {
    echo > "$HOME/limited"
    printf '{"type":"error","sessionID":"%s","error":{"name":"APIError","data":{"message":"slow down","statusCode":429,"responseHeaders":{"retry-after":"%s"}}}}\n' "$id" "$1"
    exit 1
}
case "$prompt" in *@limit*) [ -e "$HOME/limited" ] || limit 2 ;; *@far*) limit 3600 ;; esac
case "$prompt" in *@wait*) wait_for end ;; esac
case "$prompt" in *@hang*) setsid sleep 4733.5 & sleep 4733 ;; esac
case "$prompt" in *@done*) work update --task 01 --status completed > /dev/null 2>&1 ;; esac
line tool_use 3 '"tool","tool":"bash","state":{"status":"completed","input":{"command":"ls"},"output":"a file\n","title":"ls"}'
line text 4 '"text","text":"and the last","time":{"start":1,"end":2}'
line step_finish 5 '"step-finish","reason":"stop","cost":0.25,"tokens":{"input":100,"output":20,"reasoning":0,"cache":{"read":0,"write":0}}'
"#;
