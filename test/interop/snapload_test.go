//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

// bulk makes a tree that takes a while to send.
func bulk(t *testing.T, m *member) {
	t.Helper()
	c := dial(t, 20*time.Second, m.addr())
	defer c.Close()
	for i := range 20 {
		path := fmt.Sprintf("/bulk%d", i)
		_, err := c.Create(path, nil, 0, open)
		must(t, err)
		for range 10 {
			var ops []any
			for range 100 {
				ops = append(ops, &zk.CreateRequest{Path: path + "/n-", Data: make([]byte, 100), Acl: open, Flags: zk.FlagSequence})
			}
			_, err := c.Multi(ops...)
			must(t, err)
		}
	}
}

// busy makes transactions of every kind that the protocol of the client has, until stop
// is called.
func busy(t *testing.T, e *ensemble, path string) (stop func()) {
	t.Helper()
	c := dial(t, 20*time.Second, strings.Split(e.connect(), ",")...)
	_, err := c.Create(path, nil, 0, open)
	must(t, err)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			// While the leader changes anything may fail.
			node := fmt.Sprintf("%s/%d", path, i%50)
			c.Create(node, fmt.Append(nil, i), 0, open)
			c.Set(node, fmt.Append(nil, -i), -1)
			c.Create(path+"/s-", nil, zk.FlagSequence, open)
			c.SetACL(node, open, -1)
			c.Multi(&zk.CreateRequest{Path: node + "/a", Acl: open}, &zk.SetDataRequest{Path: node + "/a", Version: 0},
				&zk.CheckVersionRequest{Path: node, Version: -1}, &zk.DeleteRequest{Path: node + "/a", Version: 1})
			c.Multi(&zk.CreateRequest{Path: node + "/b", Acl: open}, &zk.DeleteRequest{Path: node + "/no", Version: 0})
			c.CreateContainer(path+"/c"+fmt.Sprint(i/10), nil, zk.FlagContainer, open)
			c.Delete(fmt.Sprintf("%s/%d", path, (i+25)%50), -1)
			if i%20 == 0 {
				visit(e, path)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		c.Close()
	}
}

// visit is a session that leaves ephemerals behind when it is closed.
func visit(e *ensemble, path string) {
	c, _, err := zk.Connect(strings.Split(e.connect(), ","), 20*time.Second, zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	if err != nil {
		return
	}
	defer c.Close()
	for range 3 {
		c.Create(path+"/e-", nil, zk.FlagEphemeral|zk.FlagSequence, open)
	}
}

// TestOstlerJoinsApacheBySnapUnderLoad: the snapshot of an Apache leader that goes on while
// it sends it does not agree with the digests that follow, until all is applied that it
// may hold. A member must not take that for a difference.
func TestOstlerJoinsApacheBySnapUnderLoad(t *testing.T) {
	e := mixed(t, apache, ostler)
	bulk(t, e.members[0])
	for i := range 4 {
		defer busy(t, &ensemble{t: t, members: e.members[:2]}, fmt.Sprintf("/busy%d", i))()
	}
	joiner := e.members[2]
	for range 8 {
		joiner.start()
		joiner.waitMode()
		c := dial(t, 20*time.Second, joiner.addr())
		for range 50 {
			_, err := c.Sync("/")
			must(t, err)
		}
		c.Close()
		if joiner.process.Ended() {
			t.Fatalf("the joiner has ended:\n%s", joiner.tail())
		}
		joiner.stop()
		must(t, os.RemoveAll(filepath.Join(joiner.dir, "version-2")))
	}
	if log, err := os.ReadFile(joiner.log()); err != nil || strings.Count(string(log), "by=SNAP") != 8 {
		t.Errorf("%v, %d joins by SNAP, want 8", err, strings.Count(string(log), "by=SNAP"))
	}
}
