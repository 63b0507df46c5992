// Package node assembles a server out of an Env and a Config: data directory,
// replica, client side. It has no logic of its own. The same assembly runs on a
// real machine and in the simulator.
package node
