package resize

import (
	"errors"
	"fmt"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/rawclient"
)

// clock is how times are told, as the servers' logs have them.
const clock = "15:04:05.000"

// A raw store tries the next server at once when its connection breaks.
type raw struct {
	addrs []string
	at    int
	s     rawclient.Session
}

func newRaw(addrs []string, at int) *raw {
	return &raw{addrs: addrs, at: at % len(addrs), s: rawclient.Session{Timeout: sessionTimeout}}
}

func (r *raw) reconnect() error {
	var last error
	for end := time.Now().Add(sessionTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		r.at = (r.at + 1) % len(r.addrs)
		if last = r.s.Attach(r.addrs[r.at], sessionTimeout); last == nil || errors.Is(last, rawclient.ErrExpired) {
			return last
		}
	}
	return fmt.Errorf("%w: no server within the session's timeout: %w", errBroken, last)
}

func (r *raw) call(op zk.OpCode, body wire.Record) error {
	h, _, err := r.s.Call(op, body)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s, at %v: %w", errBroken, r.addrs[r.at], time.Now().UTC().Format(clock), err)
	case h.Err != zk.OK:
		return h.Err
	}
	return nil
}

func (r *raw) create(path, data string, ephemeral bool) error {
	mode := zk.ModePersistent
	if ephemeral {
		mode = zk.ModeEphemeral
	}
	return r.call(zk.OpCreate, wire.CreateRequest{Path: path, Data: []byte(data), ACL: zk.OpenACL(), Flags: mode})
}

func (r *raw) set(path, data string) error {
	return r.call(zk.OpSetData, wire.SetDataRequest{Path: path, Data: []byte(data), Version: -1})
}

func (r *raw) look(path string) error {
	return r.call(zk.OpExists, wire.PathWatchRequest{Path: path})
}

func (r *raw) session() zk.SessionID { return r.s.ID() }
func (r *raw) close()                { r.s.Detach() }

// A library store is the Go client library, which reconnects by itself.
type library struct{ conn *gozk.Conn }

// silent drops what the library would print.
type silent struct{}

func (silent) Printf(string, ...any) {}

func newLibrary(t *testing.T, addrs []string) *library {
	t.Helper()
	conn, events, err := gozk.Connect(addrs, sessionTimeout, gozk.WithLogger(silent{}), gozk.WithLogInfo(false))
	must(t, err)
	go func() {
		for range events {
		}
	}()
	return &library{conn}
}

func (l *library) reconnect() error {
	for end := time.Now().Add(sessionTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if l.conn.State() == gozk.StateHasSession {
			return nil
		}
	}
	return fmt.Errorf("%w: the library found no server within the session's timeout", errBroken)
}

// told translates the library's errors.
func (l *library) told(err error) error {
	switch {
	case errors.Is(err, gozk.ErrConnectionClosed), errors.Is(err, gozk.ErrNoServer):
		return fmt.Errorf("%w: %s, or the next after it, at %v: %w", errBroken, l.conn.Server(), time.Now().UTC().Format(clock), err)
	case errors.Is(err, gozk.ErrNodeExists):
		return zk.NodeExists
	}
	return err
}

func (l *library) create(path, data string, ephemeral bool) error {
	flags := int32(0)
	if ephemeral {
		flags = gozk.FlagEphemeral
	}
	_, err := l.conn.Create(path, []byte(data), flags, gozk.WorldACL(gozk.PermAll))
	return l.told(err)
}

func (l *library) set(path, data string) error {
	_, err := l.conn.Set(path, []byte(data), -1)
	return l.told(err)
}

func (l *library) look(path string) error {
	_, _, err := l.conn.Exists(path)
	return l.told(err)
}

func (l *library) session() zk.SessionID { return zk.SessionID(l.conn.SessionID()) }
func (l *library) close()                { l.conn.Close() }
