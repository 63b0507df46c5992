package host

import "sync"

// chunkSizes are the sizes of pooled buffers, smallest first.
var chunkSizes = [...]int{512, 4 << 10, 64 << 10}

// largestChunk is the largest of them.
const largestChunk = 64 << 10

// A chunk is a buffer that comes from a pool and goes back to it.
type chunk struct{ b []byte }

var chunkPools [len(chunkSizes)]sync.Pool

// newChunk returns a chunk of at least n bytes. Above the largest size it is made
// for the occasion.
func newChunk(n int) *chunk {
	for i, size := range chunkSizes {
		if n > size {
			continue
		}
		if c, ok := chunkPools[i].Get().(*chunk); ok {
			return c
		}
		return &chunk{make([]byte, size)}
	}
	return &chunk{make([]byte, n)}
}

// free gives a chunk back. Nobody may use its bytes any more.
func (c *chunk) free() {
	for i, size := range chunkSizes {
		if len(c.b) == size {
			chunkPools[i].Put(c)
			return
		}
	}
}
