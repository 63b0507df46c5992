//go:build unix && !linux

package host

import "time"

// unanswered is not known: the system itself gives up in the end.
func (s *stream) unanswered() time.Duration { return 0 }
