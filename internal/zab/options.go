package zab

import "time"

// ticks is n ticks as a duration.
func (o *Options) ticks(n int) time.Duration { return time.Duration(n) * o.Tick }

// untrusted reports whether this server is empty and must not count until it has
// synced (quorum.md R15). A current epoch above 0 proves that it has synced.
func (o *Options) untrusted() bool {
	return !o.TrustEmpty && (o.Amnesiac || o.History.Last() <= 0 && o.Current <= 0)
}
