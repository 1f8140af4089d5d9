package executable

// What the tests of changes, which are outside of the package, are made of.
var (
	Sectioned  = sectioned
	PEProgram  = peProgram
	WasmModule = wasmModule
	ClassFile  = classFile
)
