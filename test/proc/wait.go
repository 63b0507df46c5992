package proc

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// StartLimit is how long anything may take to come up.
const StartLimit = 60 * time.Second

// Eventually waits for cond; why is asked when it does not come.
func Eventually(t testing.TB, what string, cond func() bool, why ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(StartLimit); ; time.Sleep(50 * time.Millisecond) {
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			var b strings.Builder
			for _, f := range why {
				b.WriteString(f())
			}
			t.Fatalf("not within %v: %s\n%s", StartLimit, what, b.String())
		}
	}
}

// FreePorts returns ports that nobody listens on, from below the range that
// outgoing connections take theirs from.
func FreePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for p := portBase(); len(ports) < n; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			continue
		}
		l.Close()
		ports = append(ports, p)
	}
	return ports
}

var portNext struct {
	sync.Mutex
	port int
}

// portBase gives each caller in this run a range of its own.
func portBase() int {
	portNext.Lock()
	defer portNext.Unlock()
	if portNext.port == 0 {
		portNext.port = 12000 + os.Getpid()%200*64
	}
	portNext.port += 32
	return portNext.port
}
