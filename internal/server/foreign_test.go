package server

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"

	"ostler/internal/config"
)

// rest reads until the end.
func (c *client) rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Fatalf("the connection was not closed")
	}
	return string(b)
}

func TestTLSClientIsToldClearly(t *testing.T) {
	r := newRig(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		_, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if err == nil || !strings.Contains(err.Error(), "remote error: tls: unexpected message") {
			t.Errorf("TLS client of version %x got %v, want the alert", version, err)
		}
	}
	if !strings.Contains(r.logged.text(), "secureClientPort") || !strings.Contains(r.logged.text(), "addr=127.0.0.1:") {
		t.Errorf("log does not say what to do:\n%s", r.logged.text())
	}
}

func TestHTTPClientIsToldClearly(t *testing.T) {
	r := newRig(t, nil)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"} {
		request, err := http.NewRequest(method, "http://"+r.addr+"/commands/ruok", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest || method != "HEAD" && !strings.Contains(string(body), "admin.serverPort") {
			t.Errorf("%s was answered %d %q", method, response.StatusCode, body)
		}
	}
	if !strings.Contains(r.logged.text(), "HTTP on the client port") {
		t.Errorf("log has no line:\n%s", r.logged.text())
	}
	split := r.dial(t) // the head comes in pieces
	for _, piece := range []string{"GET ", "/ HTTP/1.1\r\nAccept: */*\r\n", "hOST: x\r\n\r\n"} {
		split.raw([]byte(piece))
	}
	if got := split.rest(); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("answer %q", got)
	}
	preface := r.dial(t)
	preface.raw([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if got := preface.rest(); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("answer %q", got)
	}
	for _, bare := range []string{"GET / HTTP/1.0\r\n\r\n", "GET " + strings.Repeat("x", httpHead)} { // as ZooKeeper: vector frame-garbage
		c := r.dial(t)
		c.raw([]byte(bare))
		c.wantEnd()
	}
}

// Whatever can be the length of a frame is one, at any jute.maxbuffer (1.5). What
// is taken for another protocol is so for every limit below it.
func TestEveryLegalLengthIsALength(t *testing.T) {
	lows := []uint32{0, 1, 0x7fff, 0xffff}
	for m := range httpMethods {
		lows = append(lows, uint32(binary.BigEndian.Uint16(m[2:])))
	}
	found := map[foreign]int{}
	for high := range uint32(1 << 16) {
		for _, low := range lows {
			n := high<<16 | low
			first := [4]byte(binary.BigEndian.AppendUint32(nil, n))
			kind := foreignOf(first, 1048575)
			found[kind]++
			if kind == notForeign {
				continue
			}
			if n <= 1048575 {
				t.Fatalf("length %#x is taken for a protocol", n)
			}
			if got := foreignOf(first, int(n)); got != notForeign {
				t.Fatalf("length %#x is taken for a protocol at jute.maxbuffer=%d", n, n)
			}
			if got := foreignOf(first, int(n)-1); got != kind {
				t.Fatalf("%#x is not recognised at jute.maxbuffer=%d", n, n-1)
			}
			if got := foreignOf(first, math.MaxInt32); got != notForeign {
				t.Fatalf("length %#x is taken for a protocol at the largest jute.maxbuffer", n)
			}
		}
	}
	if found[foreignTLS] != len(lows) || found[foreignHTTP] < len(httpMethods) {
		t.Errorf("recognised %v", found)
	}
}

func TestLegalLengthWins(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.MaxBuffer = 0x4745_5420 }) // "GET "
	c := r.dial(t)
	c.raw([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	eventually(t, "the connection is there", func() bool { return r.Stats().Connections == 1 })
	c.c.(*net.TCPConn).CloseWrite()
	if got := c.rest(); got != "" {
		t.Errorf("the beginning of a long frame was answered %q", got)
	}
	if r.logged.text() != "" {
		t.Errorf("logged %s", r.logged.text())
	}
}

func TestWordsInPieces(t *testing.T) { // operations.md 2.1
	r := newRig(t, nil)
	for word, pieces := range map[string][]string{
		"ruok from 127.0.0.1": {"r", "uo", "k"},
		"0000000000000201":    {"st", "mk\x00\x00\x00", "\x00\x00\x00\x02\x01"}, // stmk takes 8 more bytes (1.5)
	} {
		c := r.dial(t)
		for i, p := range pieces {
			c.raw([]byte(p))
			if i+1 < len(pieces) {
				eventually(t, "a piece has arrived", func() bool { return r.Stats().Connections == 1 })
			}
		}
		if got := c.rest(); got != word {
			t.Errorf("answer %q, want %q", got, word)
		}
		c.c.Close()
		eventually(t, "the connection is gone", func() bool { return r.Stats().Connections == 0 })
	}
}
