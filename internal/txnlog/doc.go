// Package txnlog writes and reads transaction logs (disk.md section 3).
//
//	log.<first zxid> = header, entry*, zeros
//	entry            = Adler-32, length, payload, 'B'
//
// A Writer belongs to the log loop. It frames a batch in memory, writes it with
// one call and makes it durable with one fdatasync. No batch is longer than
// BatchMax unless it is a single entry, and none is begun before the one before
// it is durable: so what a crash can tear is known.
//
// A Reader gives the records behind a zxid, over all files, and proves that none is
// missing. Where the bytes are not those of an entry it tells a write that was
// never finished from damage to what was acknowledged.
package txnlog
