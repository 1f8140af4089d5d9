// Package web is HTTP as stagescope speaks it: proxies from the environment,
// time limits on every wait, Retry-After, and no credentials for a host that
// they were not meant for.
//
// It does not know registries or sources, and keeps nothing.
package web
