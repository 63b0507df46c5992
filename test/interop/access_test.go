//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const digestLogin = "org.apache.zookeeper.server.auth.DigestLoginModule"

// TestSASLAcrossServers logs the Java shell in by SASL at each member of a mixed
// ensemble. What it makes there for itself alone, it can read at the others, where
// nobody else can: all members agree on who it is (client-protocol.md 7.7).
func TestSASLAcrossServers(t *testing.T) {
	e := newEnsemble(t, ostler, apache, ostler)
	e.extra = "db.autocreate=true\nauthProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n"
	e.configure()
	login := filepath.Join(e.dir, "login.conf")
	must(t, os.WriteFile(login, fmt.Appendf(nil, `Server { %s required user_bob="bobsecret" user_ann="annsecret"; };
Bob { %[1]s required username="bob" password="bobsecret"; };
Ann { %[1]s required username="ann" password="annsecret"; };
Eve { %[1]s required username="bob" password="wrong"; };
`, digestLogin), 0o600))
	for _, m := range e.members {
		m.flags = []string{"java.security.auth.login.config=" + login}
	}
	e.startAll()

	shell := func(m *member, user string, command ...string) string {
		t.Helper()
		args := []string{"-cp", "/usr/share/java/zookeeper.jar"}
		if user != "" {
			args = append(args, "-Djava.security.auth.login.config="+login, "-Dzookeeper.sasl.clientconfig="+user)
		}
		args = append(args, "org.apache.zookeeper.ZooKeeperMain", "-server", m.addr(), "-timeout", "8000")
		out, errs, _ := run(t, "", "java", append(args, command...)...)
		return out + errs
	}
	wantText := func(what, got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", what, got, want)
		}
	}
	for i, m := range e.members {
		path, other := fmt.Sprintf("/sasl-%d", m.id), e.members[(i+1)%len(e.members)]
		at := fmt.Sprintf("server %d (%s)", m.id, m.kind)
		wantText("create by bob at "+at, shell(m, "Bob", "create", path, "secret", "auth::cdrwa"), "Created "+path)
		shell(other, "Bob", "sync", path)
		wantText("getAcl by bob at another than "+at, shell(other, "Bob", "getAcl", path), "'sasl,'bob")
		wantText("get by bob at another than "+at, shell(other, "Bob", "get", path), "secret")
		wantText("get by ann at another than "+at, shell(other, "Ann", "get", path), "Insufficient permission")
		wantText("get by nobody at another than "+at, shell(other, "", "get", path), "Insufficient permission")
		wantText("a wrong password at "+at, shell(m, "Eve", "get", path), "AuthFailed")
	}
}
