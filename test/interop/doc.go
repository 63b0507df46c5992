// Package interop holds tests of whole servers against the rest of the world:
// Apache ZooKeeper's servers, and clients in several languages. They need the
// programs that `make test` installs, and run with the build tag interop.
package interop
