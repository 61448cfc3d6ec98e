/** The seeded generator that the simulators share with the generator of realistic days. */
export { seededRandom, type Random } from '../../devnet/generator/random.ts';
