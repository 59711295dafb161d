-- A module for workers to find.
return { is_here = true, twice = function(n) return 2 * n end, class = { __index = { who = "class" } } }
