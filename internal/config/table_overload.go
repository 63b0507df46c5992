package config

import (
	"math"
	"strconv"
	"time"

	"ostler/internal/throttle"
)

// overloadRows are the settings of operations.md section 8 that are off by default.
var overloadRows = []Setting{
	propInt("largeRequestThreshold", "-1", "bytes above which a request is large; 0 or less: none is", -1, func(c *Config, n int64) { c.LargeThreshold = n }),
	propInt("largeRequestMaxBytes", "104857600", "bytes of large requests in the server; one too many closes its connection", 0, func(c *Config, n int64) { c.LargeMaxBytes = n }),
	propInt("request_throttle_max_requests", "0", "requests in process at which others wait in line; 0: no limit", 0, func(c *Config, n int64) { c.Requests.Max = count(n) }),
	propInt("request_throttle_stall_time", "100", "time between looks at the line of waiting requests, in ms", 1, func(c *Config, n int64) { c.Requests.Stall = millis(n) }),
	propBool("request_throttle_drop_stale", "true", "drop stale requests from the line, and close their connections", func(c *Config, on bool) { c.Requests.DropStale = on }),
	propBool("request_stale_latency_check", "false", "a request that waited longer than its session's timeout is stale", func(c *Config, on bool) { c.Requests.StaleLatency = on }),
	ignored("request_stale_connection_check", "a request in the line is still on its connection and ends with it"),
	ignored("request_throttler.shutdownTimeout", "a server that stops serving closes the connections of waiting requests"),
	propInt("throttled_op_wait_time", "0", "time in line after which a request is answered with error -127, in ms; 0: never", 0, func(c *Config, n int64) { c.Requests.OpWait = millis(n) }),

	propInt("connection_throttle_tokens", "0", "new connections let in at once (a token bucket); 0: no limit", 0, func(c *Config, n int64) { c.Connections.Tokens = count(n) }),
	propInt("connection_throttle_fill_time", "1", "time in which fill_count tokens come back, in ms", 1, func(c *Config, n int64) { c.Connections.FillTime = millis(n) }),
	propInt("connection_throttle_fill_count", "1", "see connection_throttle_fill_time", 0, func(c *Config, n int64) { c.Connections.FillCount = count(n) }),
	propInt("connection_throttle_freeze_time", "-1", "least time between changes of the probability of a random refusal, in ms; -1: none is refused at random", -1, func(c *Config, n int64) { c.Connections.FreezeTime = millis(n) }),
	propShare("connection_throttle_drop_increase", "0.02", "what is added to that probability when the bucket is empty", func(c *Config, x float64) { c.Connections.DropIncrease = x }),
	propShare("connection_throttle_drop_decrease", "0.002", "what is taken from it when the bucket is full enough", func(c *Config, x float64) { c.Connections.DropDecrease = x }),
	propShare("connection_throttle_decrease_ratio", "0", "share of the tokens that may be missing then", func(c *Config, x float64) { c.Connections.DecreaseRatio = x }),
	propBool("connection_throttle_weight_enabled", "false", "connections cost tokens by what they ask for; the bucket grows by the weight of a global session", func(c *Config, on bool) { c.Connections.Weighted = on }),
	propInt("connection_throttle_global_session_weight", "3", "tokens of a new session", 1, func(c *Config, n int64) { c.Connections.GlobalWeight = count(n) }),
	propInt("connection_throttle_local_session_weight", "1", "tokens of a new local session", 1, func(c *Config, n int64) { c.Connections.LocalWeight = count(n) }),
	propInt("connection_throttle_renew_session_weight", "2", "tokens of a session that comes back", 1, func(c *Config, n int64) { c.Connections.RenewWeight = count(n) }),
}

// A RequestThrottle is the line in front of the requests (operations.md 8.3).
type RequestThrottle struct {
	Max          int           // requests in process; 0: no limit
	Stall        time.Duration // between looks at the line
	DropStale    bool          // stale requests leave the line
	StaleLatency bool          // longer in line than the session's timeout is stale
	OpWait       time.Duration // longer in line is answered with -127; 0: never
}

// defaultConnections is a bucket that is off.
func defaultConnections() throttle.BucketOptions {
	return throttle.BucketOptions{
		FillTime: time.Millisecond, FillCount: 1,
		FreezeTime: -time.Millisecond, DropIncrease: 0.02, DropDecrease: 0.002,
		GlobalWeight: 3, LocalWeight: 1, RenewWeight: 2,
	}
}

// count clamps a number to what Java's int holds.
func count(n int64) int { return int(min(n, math.MaxInt32)) }

// propShare is a number from 0 to 1.
func propShare(name, def, text string, put func(c *Config, x float64)) Setting {
	return property(name, "number", def, text, func(b *builder, v string) error {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return b.fallBack(name, v, def)
		}
		if !(x >= 0 && x <= 1) {
			b.warn("%s=%s is not between 0 and 1; using the default, %s", name, v, def)
			return nil
		}
		put(b.cfg, x)
		return nil
	})
}

// checkThrottle raises weights that are below that of a local session, the
// cheapest there is.
func (b *builder) checkThrottle() error {
	o := &b.cfg.Connections
	if !o.Weighted {
		return nil
	}
	for _, w := range []struct {
		name string
		at   *int
	}{{"global", &o.GlobalWeight}, {"renew", &o.RenewWeight}} {
		if *w.at < o.LocalWeight {
			b.warn("connection_throttle_%s_session_weight=%d is below connection_throttle_local_session_weight; using %d", w.name, *w.at, o.LocalWeight)
			*w.at = o.LocalWeight
		}
	}
	return nil
}
