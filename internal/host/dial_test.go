package host

import (
	"context"
	"net"
	"strings"
	"testing"
)

// Of a name's addresses the first that answers is taken, wherever it stands; if none
// does, the error tells of all.
func TestAContestOfAddresses(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for name, test := range map[string]struct {
		answers []string
		want    string // of the connection
		errs    int
	}{
		"the only one":         {[]string{"127.0.0.2"}, l.Addr().String(), 0},
		"behind refusals":      {[]string{"127.0.0.3", "127.0.0.4", "127.0.0.2"}, l.Addr().String(), 0},
		"before a refusal":     {[]string{"127.0.0.2", "127.0.0.3"}, l.Addr().String(), 0},
		"nobody is there":      {[]string{"127.0.0.3", "127.0.0.4"}, "", 2},
		"the only one refuses": {[]string{"127.0.0.3"}, "", 1},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		c := &contest{ctx: ctx, port: port, answers: test.answers, done: make(chan outcome, len(test.answers))}
		conn, err := c.run()
		cancel()
		c.end()
		switch {
		case test.want == "":
			if err == nil || strings.Count(err.Error(), "refused") != test.errs {
				t.Errorf("%s: %v, want %d refusals", name, err, test.errs)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case conn.RemoteAddr().String() != test.want:
			t.Errorf("%s: connected to %v, want %s", name, conn.RemoteAddr(), test.want)
		}
		if conn != nil {
			conn.Close()
		}
		if c.active != 0 {
			t.Errorf("%s: %d dials are left", name, c.active)
		}
	}
}
