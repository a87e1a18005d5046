//! A simulated inference engine: schedulers over a cost model, in virtual time or behind HTTP.
