// Objects that are copies of others with something added.

/**
 * Stands first in a literal that copies an object and adds fields to the copy. V8 (as of Node 20 to
 * 22) gives each object that is made without it a hidden class of its own: such objects cost four
 * times as much to make, and code that meets them several times as much to run.
 */
export const blank = {} as const;
