package server

import (
	"strconv"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// Whatever one client asks for, what the server spends on it is bounded, and going
// beyond costs that client alone (INV-L4).

func TestMultiReadBeyondTheSendLimit(t *testing.T) { // 6.3
	r := newRig(t, nil)
	c, other := r.connect(t), r.connect(t)
	const size = 1 << 19
	c.request(1, zk.OpCreate, createBody("/big", string(make([]byte, size))))
	c.want(1, -2, zk.OK)
	var m wire.MultiReadRequest
	for range 4 {
		m.Ops = append(m.Ops, wire.MultiOp{Op: zk.OpGetData, Body: readBody("/big", false).(wire.PathWatchRequest)})
	}
	c.request(2, zk.OpMultiRead, m)
	if n := len(c.want(2, -2, zk.OK)); n < 4*size {
		t.Errorf("reply of %d bytes to four reads of %d", n, size)
	}
	for len(m.Ops) <= sendLimit/size {
		m.Ops = append(m.Ops, m.Ops[0])
	}
	c.request(3, zk.OpMultiRead, m)
	c.wantEnd()
	other.request(1, zk.OpExists, readBody("/big", false))
	other.want(1, -2, zk.OK)
}

func TestIdentitiesAreBounded(t *testing.T) { // 7.5
	r := newRig(t, nil)
	for name, auth := range map[string]func(i int) string{
		"many":  func(i int) string { return "user" + strconv.Itoa(i) + ":pw" },
		"large": func(i int) string { return strconv.Itoa(i) + string(make([]byte, identityBytes/3)) + ":pw" },
	} {
		t.Run(name, func(t *testing.T) {
			c := r.connect(t)
			for i := range int32(identitiesMax + 1) {
				c.request(i, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte(auth(int(i)))})
				b := c.next()
				var h wire.ReplyHeader
				if err := h.Decode(b); err != nil {
					t.Fatal(err)
				}
				if h.Err == zk.AuthFailed && i >= 2 {
					c.wantEnd()
					return
				}
				if h.Err != zk.OK {
					t.Fatalf("auth %d: %v", i, h.Err)
				}
			}
			t.Errorf("%d identities were taken", identitiesMax+1)
		})
	}
}
