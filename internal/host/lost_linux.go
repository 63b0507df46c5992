package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// unanswered is for how long the other machine has acknowledged nothing though there is
// something to acknowledge, which was sent again and again; else 0.
func (s *stream) unanswered() (silence time.Duration) {
	s.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && info.Unacked > 0 && info.Retransmits > 1 {
			silence = time.Duration(info.Last_ack_recv) * time.Millisecond
		}
	})
	return silence
}
