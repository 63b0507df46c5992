package main

import "time"

// pause is the interval at which await looks again.
func pause() { time.Sleep(time.Millisecond) }
