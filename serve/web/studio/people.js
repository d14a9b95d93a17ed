// Made-up people to try with; nobody has ever seen them.

const NAMES = ["Mira", "Jonas", "Leila", "Kofi", "Hana", "Zuri"];

export const people = NAMES.map((name) => ({ name, picture: `/studio/people/${name.toLowerCase()}.jpg` }));
