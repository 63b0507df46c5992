package node_test

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A compute says how the client makes its SASL token out of the challenge, with
// the parameters of the recorded one (RFC 2831).
type compute struct {
	From, Username, Password, Cnonce, Nc, Qop string
	URI                                       string `json:"digest-uri"`
	Maxbuf                                    int
}

// loginFile writes the login section of the profile sasl.
func loginFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jaas.conf")
	write(t, path, `Server {
	org.apache.zookeeper.server.auth.DigestLoginModule required
	user_bob="bobsecret" user_super="adminsecret";
};
`)
	return path
}

// compute puts the token for the captured challenge into a sasl request, and
// remembers the proof that the server must give.
func (p *player) compute(c *compute, request []byte) []byte {
	parts := map[string]string{}
	for _, part := range strings.Split(string(p.vars[c.From]), ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = strings.Trim(value, `"`)
	}
	hash := func(format string, args ...any) []byte {
		sum := md5.Sum(fmt.Appendf(nil, format, args...))
		return sum[:]
	}
	secret := hash("%s:%s:%s", c.Username, parts["realm"], c.Password)
	a1 := hash("%s:%s:%s", secret, parts["nonce"], c.Cnonce)
	proof := func(prefix string) string {
		return fmt.Sprintf("%x", hash("%x:%s:%s:%s:%s:%x", a1, parts["nonce"], c.Nc, c.Cnonce, c.Qop, hash("%s%s", prefix, c.URI)))
	}
	p.vars["rspauth"] = []byte(proof(":"))
	token := fmt.Sprintf(`charset=utf-8,username="%s",realm="%s",nonce="%s",nc=%s,cnonce="%s",digest-uri="%s",maxbuf=%d,response=%s,qop=%s`,
		c.Username, parts["realm"], parts["nonce"], c.Nc, c.Cnonce, c.URI, c.Maxbuf, proof("AUTHENTICATE:"), c.Qop)
	const header = 4 + 8 // frame length, request header
	b := append([]byte(nil), request[:header]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(token)))
	b = append(b, token...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}
