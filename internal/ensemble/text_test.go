package ensemble

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// captured is the configuration that ZooKeeper 3.9.5 sends in NEWLEADER
// (join-first-epoch-diff-395 of the vectors).
const captured = "server.1=127.0.0.1:20211:20221:participant;127.0.0.1:20201\n" +
	"server.2=127.0.0.1:20212:20222:participant;127.0.0.1:20202\n" +
	"server.3=127.0.0.1:20213:20223:participant;127.0.0.1:20203\n" +
	"version=100000000"

// capturedMultiple is one with several addresses, as in a notification of ZooKeeper 3.9.5
// (election-multi-address of the vectors).
const capturedMultiple = "server.1=127.0.0.1:20211:20221|127.0.0.2:20211:20221:participant;127.0.0.1:20201\n" +
	"server.2=127.0.0.1:20212:20222|127.0.0.2:20212:20222:participant;127.0.0.1:20202\n" +
	"server.3=127.0.0.1:20213:20223|127.0.0.2:20213:20223:participant;127.0.0.1:20203\n" +
	"version=0"

func TestTextOfSeveralAddressesIsThatOfZooKeeper(t *testing.T) {
	c, err := ParseConfig([]byte(capturedMultiple))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Text()); got != capturedMultiple {
		t.Errorf("text (-want +got):\n%s", cmp.Diff(capturedMultiple, got))
	}
	if m := c.Members[2]; !m.Multiple() || m.QuorumAddr.First() != "127.0.0.1:20212" || len(m.ElectionAddr.List()) != 2 {
		t.Errorf("server 2 is %+v, want one with two addresses", m)
	}
}

func TestTextIsThatOfZooKeeper(t *testing.T) {
	c, err := ParseConfig([]byte(captured))
	if err != nil {
		t.Fatal(err)
	}
	if c.Version != 0x100000000 || len(c.Members) != 3 {
		t.Errorf("version %x with %d members, want 100000000 with 3", c.Version, len(c.Members))
	}
	if got := string(c.Text()); got != captured {
		t.Errorf("text (-want +got):\n%s", cmp.Diff(captured, got))
	}
}

func TestHierarchicalText(t *testing.T) {
	text := strings.Join([]string{
		"server.1=a:1:2:participant", "server.2=b:1:2:participant", "server.3=c:1:2:participant", "server.10=d:1:2:observer",
		"group.1=1:2", "group.2=3", "weight.1=2", "weight.2=1", "version=0",
	}, "\n")
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Text()); got != text {
		t.Errorf("text (-want +got):\n%s", cmp.Diff(text, got))
	}
}

func TestConfigIsParsedAsProperties(t *testing.T) {
	c, err := ParseConfig([]byte("# members\r\n\n!x\n  server.1 = a:1:2\nserver.2:b\\:1\\:2\nserver.1=c:1:2\nversion 1f"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Version != 0x1f || c.Members[1].QuorumAddr != "c:1" || c.Members[2].ElectionAddr != "b:2" {
		t.Errorf("got version %x, members %+v", c.Version, c.Members)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, text := range []string{
		"", "version=1", "server.1=a:1:2:observer", "server.1=a:1:2\nclientPort=2181", "server.1=a:1:2\nversion=xyz",
		"server.1=a:1:2\ngroup.1=1\ngroup.2=1", "server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1", "server.1=a:1:2\nweight.1=1",
		"server.1=a:1:2\ngroup.1=x", "server.1=a:1:2\ngroup.1=1\nweight.1=-1", strings.Repeat("#", textMax+1),
	} {
		if c, err := ParseConfig([]byte(text)); err == nil {
			t.Errorf("ParseConfig(%.40q) = %+v, want an error", text, c)
		}
	}
}

// FuzzParseConfig: what parses has a text that parses to the same.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(captured))
	f.Add([]byte("server.1=[::1]:1:2;3\ngroup.1=1\nweight.1=0"))
	f.Add([]byte("\\"))
	f.Add([]byte(capturedMultiple))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil {
			return
		}
		again, err := ParseConfig(c.Text())
		if err != nil {
			t.Fatalf("%q became %q: %v", b, c.Text(), err)
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("%q (-first +second):\n%s", b, d)
		}
	})
}
