// Package incident holds what the incidents are made of: the trees from which
// their parties build, the infected compiler's source among them, and what each
// incident is, teaches and has to end with.
//
// It builds nothing, signs nothing and judges nothing: package rebuild/incident
// stages what is written here.
package incident
